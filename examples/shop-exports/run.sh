#!/bin/sh
# Tracks the parcels of a shop's export, and of AfterShip's own form for imports.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../start.sh"

echo "# What the mapping makes of the first rows"
host mapping show "$here/shopify.json" "$here/shopify.csv" --rows 2 --output ndjson

for export in shopify aftership; do
    echo
    echo "# Push $export.csv"
    host push trackings "$here/$export.csv" --map "$here/$export.json" --output csv \
        --columns line,outcome
done

echo
echo "# What is tracked now"
host list trackings --output csv --columns tracking_number,slug
