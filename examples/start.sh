# Sourced by the examples: without a connection of your own, they work on a simulated AfterShip.
#
# To work on your account, run `connector-host connect` once and set OWN_CONNECTION=1.
# Needs connector-host (and aftership-simulator) on the PATH, and CONNECTOR_COMPONENT.

set -eu
work=$(mktemp -d)
trap 'status=$?; [ -z "${simulator:-}" ] || kill "$simulator"; rm -rf "$work"; exit $status' EXIT
trap 'exit 130' INT TERM

host() { connector-host --quiet "$@"; }

if [ -z "${OWN_CONNECTION:-}" ]; then
    : > "$work/simulator"
    aftership-simulator --listen 127.0.0.1:0 --api-key asat_example --seed 7 \
        --trackings "${TRACKINGS:-0}" > "$work/simulator" &
    simulator=$!
    until grep -q '^listening on ' "$work/simulator"; do
        kill -0 "$simulator"
        sleep 0.05
    done
    export CONNECTOR_STATE="$work/state" EXAMPLE_KEY=asat_example
    host() { connector-host --quiet --allow-private "$@"; }
    url=$(sed -n 's/^listening on //p' "$work/simulator")
    host connect --setting "base-url=$url" --secret-env api-key=EXAMPLE_KEY 2> "$work/connect" \
        || { cat "$work/connect" >&2; exit 1; }
fi
