#!/bin/sh
# Put the instance's configuration into place, read the database password from its secret, then become the given process.
set -eu
umask 077
mkdir -p "$DAGSTER_HOME"
cp docker/dagster.yaml "$DAGSTER_HOME/dagster.yaml"
if [ -n "${BLIN_POSTGRES_PASSWORD_FILE:-}" ]; then
    BLIN_POSTGRES_PASSWORD="$(cat "$BLIN_POSTGRES_PASSWORD_FILE")"
    export BLIN_POSTGRES_PASSWORD
fi
exec "$@"
