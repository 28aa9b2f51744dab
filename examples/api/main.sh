#!/bin/sh
# Connects with a key, creates a tracking, and waits for the change that tells of it: by curl and jq.
#
#   AFTERSHIP_API_KEY=asat_... ./main.sh 1Z12345E0205271688 ups
#
# API_URL     where the API is            [http://127.0.0.1:8081]
# API_TOKEN   a token of `tokens add`     [none: not needed on this machine]
# CONNECTION  what the connection is called [example]
# BASE_URL    another origin of the provider's API, such as a simulator's
set -eu
number=${1:-1Z12345E0205271688}
courier=${2:-ups}
url=${API_URL:-http://127.0.0.1:8081}
connection=${CONNECTION:-example}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What every request has. The token goes by a file: an argument could be read by others of this machine.
: > "$work/common"
if [ -n "${API_TOKEN:-}" ]; then
    (umask 077 && printf 'header = "Authorization: Bearer %s"\n' "$API_TOKEN" > "$work/common")
fi

# call METHOD PATH [BODY-FILE]: prints the answer's body. A write has one key for all its tries, so it is done
# once however often it is sent. What may come again later is tried again after the time that the API names.
call() {
    key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    for try in 1 2 3 4 5; do
        status=$(curl --silent --show-error --config "$work/common" --max-time 120 \
            --request "$1" "$url$2" --header "Idempotency-Key: $key" \
            ${3:+--header 'Content-Type: application/json' --data-binary "@$3"} \
            --dump-header "$work/head" --output "$work/body" --write-out '%{http_code}') || status=000
        case $status in
        2*) cat "$work/body"; return 0 ;;
        000) wait=$try ;; # no answer: with its key it may be sent again
        *)
            case $(jq -r '.kind' "$work/body" 2> /dev/null || echo unknown) in
            unavailable | rate-limited)
                wait=$(tr -d '\r' < "$work/head" | sed -n 's/^[Rr]etry-[Aa]fter: *//p')
                wait=${wait:-$try} ;;
            *) break ;;
            esac ;;
        esac
        [ "$try" = 5 ] || sleep "$wait"
    done
    [ "$status" = 000 ] || cp "$work/body" "$work/problem"
    return 1
}

# What failed, why, and what to do about it.
fail() {
    jq -r '"\(.kind) (\(.source)): \(.detail)", (.next // empty | "next: \(.)"),
        (.violations[] | "  \(.pointer): \(.message)")' "$work/problem" >&2 2> /dev/null ||
        echo "no answer from $url" >&2
    exit 1
}

is_kind() { [ "$(jq -r '.kind' "$work/problem" 2> /dev/null)" = "$1" ]; }

# A connection with a key. Conflict: it is there already.
AFTERSHIP_API_KEY=${AFTERSHIP_API_KEY:?} jq -n --arg name "$connection" --arg base "${BASE_URL:-}" '{
    name: $name, secrets: {"api-key": env.AFTERSHIP_API_KEY},
    settings: (if $base == "" then {} else {"base-url": $base} end)
}' > "$work/connection"
call POST /v1/connections "$work/connection" > /dev/null || is_kind conflict || fail
echo "connected $connection"

# A tracking. Conflict: AfterShip has it already, and `existing` is which.
jq -n --arg number "$number" --arg courier "$courier" \
    '{tracking_number: $number, slug: $courier}' > "$work/tracking"
if call POST "/v1/connections/$connection/objects/trackings/records" "$work/tracking" > "$work/created"; then
    id=$(jq -r .id "$work/created")
else
    is_kind conflict || fail
    id=$(jq -r '.existing // empty' "$work/problem")
    [ -n "$id" ] || fail
fi
echo "created $id"

# The change comes with the next delivery or scan; this asks for a scan now.
echo '{"objects": ["trackings"]}' > "$work/sync"
call POST "/v1/connections/$connection/sync" "$work/sync" > /dev/null || fail

# Server-sent events; after a cut, the last event's id goes on where it was.
last=
for try in 1 2 3 4 5; do
    curl --silent --no-buffer --config "$work/common" --max-time 60 \
        --header 'Accept: text/event-stream' ${last:+--header "Last-Event-ID: $last"} \
        "$url/v1/changes?connection=$connection&object=trackings" |
        while IFS= read -r line; do
            case $line in
            'id: '*) echo "${line#id: }" > "$work/last" ;;
            'data: '*)
                found=$(printf '%s' "${line#data: }" | jq -r --arg id "$id" 'select(.id == $id) | .kind')
                if [ -n "$found" ]; then
                    echo "changed $id: $found"
                    touch "$work/found"
                    break
                fi ;;
            esac
        done || :
    [ ! -e "$work/found" ] || exit 0
    last=$(cat "$work/last" 2> /dev/null || :)
    sleep "$try"
done
echo "no change of $id was told" >&2
exit 1
