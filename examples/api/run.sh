#!/bin/sh
# Serves the API of a simulated AfterShip (or yours: OWN_CONNECTION=1), and runs one of the clients against it:
# ./run.sh curl, ./run.sh node or ./run.sh python
. "$(dirname "$0")/../start.sh"
here=$(dirname "$0")

: > "$work/serve"
host serve --address 127.0.0.1:0 --api 127.0.0.1:0 > "$work/read" 2> "$work/serve" &
serving=$!
trap 'status=$?; kill "$serving" ${simulator:-} 2> /dev/null || :; wait "$serving" || :; rm -rf "$work"; exit $status' EXIT
until grep -q '^API on ' "$work/serve"; do
    kill -0 "$serving" || { cat "$work/serve" >&2; exit 1; }
    sleep 0.05
done
API_URL=$(sed -n 's/^API on //p' "$work/serve")
BASE_URL=${url:-}
AFTERSHIP_API_KEY=${EXAMPLE_KEY:-${AFTERSHIP_API_KEY:-}}
export API_URL BASE_URL AFTERSHIP_API_KEY

case ${1:-curl} in
curl) sh "$here/main.sh" ;;
node) node "$here/main.mjs" ;;
python) python3 "$here/main.py" ;;
*) echo "one of curl, node, python" >&2; exit 2 ;;
esac
