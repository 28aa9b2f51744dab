#!/bin/sh
# Writes a mail for each customer whose parcel got to another stage. Needs jq.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../start.sh"

# A parcel of the test courier, which delivers within seconds.
printf '%s\n' '{"tracking_number":"ITD-0-12345678","slug":"testing-courier","title":"Shoes",
    "customers":[{"name":"Ann Example","email":"ann@example.com"}]}' | jq -c . |
    host push trackings - > "$work/pushed"

mails() {
    # A consumer's position is kept: each change is handed over, and our own are left out.
    host changes --consumer mails --object trackings --output ndjson |
        jq -r 'select((.ours | not) and (.members | index("tag"))) | .id' |
        while read -r id; do
            host get trackings "$id" --output ndjson | jq -r -f "$here/mail.jq"
        done
}

stage=
while [ "$stage" != Delivered ]; do
    # In full, to see it at once: otherwise a change shows a minute later, when lists are settled.
    host sync trackings --full > "$work/synced" 2>&1
    mails | tee -a "$work/mails"
    stage=$(sed -n 's/^Stage: //p' "$work/mails" | tail -1)
    sleep 1
done
