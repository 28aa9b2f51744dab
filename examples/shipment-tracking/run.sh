#!/bin/sh
# Tracks every order of a shop's export.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../start.sh"

echo "# Push the export"
failed=0
host push trackings "$here/orders.csv" --map "$here/map.json" --failed "$work/again.csv" \
    --output csv --columns line,outcome,error || failed=$?
[ "$failed" = 0 ] || [ "$failed" = 3 ]

echo
echo "# What failed can be corrected and pushed again"
cat "$work/again.csv"
sed 's/Pigeon Post/Royal Mail/' "$work/again.csv" > "$work/corrected.csv"
host push trackings "$work/corrected.csv" --map "$here/map.json" --output csv --columns line,outcome

echo
echo "# Where the orders are"
host list trackings --output csv --columns order_id,slug,tracking_number,tag
