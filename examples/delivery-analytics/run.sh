#!/bin/sh
# Prints how carriers perform. Needs sqlite3.
here=$(cd "$(dirname "$0")" && pwd)
TRACKINGS=${TRACKINGS:-2000}
. "$here/../start.sh"

host sync trackings > "$work/synced" 2>&1
state=${CONNECTOR_STATE:-${XDG_DATA_HOME:-$HOME/.local/share}/connector-host}
sqlite3 -readonly -header -column "$state/state.db" < "$here/report.sql"
