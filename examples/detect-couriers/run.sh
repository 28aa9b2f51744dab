#!/bin/sh
# Assigns a courier to each of many numbers, and tracks them. Needs jq.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../start.sh"

# The carriers that this shop uses: a number may look like one of many others'.
ours='["ups","usps","fedex","dhl","royal-mail"]'

echo "# Detect"
while read -r number; do
    wish=$(jq -nc --arg number "$number" '{tracking_number: $number}')
    host invoke couriers detect --data "$wish" --output ndjson |
        jq -c --arg number "$number" --argjson ours "$ours" '[.couriers[].slug] as $all
            | {tracking_number: $number, looks_like: ($all | length),
               slugs: ($ours - ($ours - $all))}'
done < "$here/numbers.txt" > "$work/detected.ndjson"
jq -r '"\(.tracking_number): \(.looks_like) couriers, ours: \(.slugs | join(", "))"' \
    "$work/detected.ndjson"

echo
echo "# Track those that only one of ours can be meant by"
jq -c 'select(.slugs | length == 1) | {tracking_number, slug: .slugs[0]}' "$work/detected.ndjson" |
    host push trackings - --output csv --columns index,outcome
host list trackings --output csv --columns slug,tracking_number

echo
echo "# For a person to decide"
jq -r 'select(.slugs | length != 1) | .tracking_number' "$work/detected.ndjson"
