#!/bin/sh
# Shows the parcels that are in trouble, and then only those that got into it since. Needs jq.
here=$(cd "$(dirname "$0")" && pwd)
TRACKINGS=${TRACKINGS:-300}
. "$here/../start.sh"

trouble() {
    host changes --consumer trouble --object trackings --output ndjson | jq -r .id | sort -u > "$work/changed"
    host export trackings --output ndjson |
        jq -r --rawfile changed "$work/changed" '
            ($changed | split("\n")) as $ids
            | select(.tag == "Exception" or .tag == "AttemptFail" or .tag == "Expired")
            | select(.id | IN($ids[]))
            | [.tag, .slug, .tracking_number, .subtag_message] | @tsv' | sort
}

host sync trackings > "$work/synced" 2>&1
echo "# In trouble"
trouble > "$work/first"
cut -f1 "$work/first" | uniq -c
head -5 "$work/first"

host sync trackings > "$work/synced" 2>&1
echo "# Since then"
trouble
