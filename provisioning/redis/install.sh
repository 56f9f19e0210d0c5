#!/bin/sh
# Redis.
set -eu
# shellcheck source=provisioning/lib.sh
. "$(dirname -- "$0")/../lib.sh"

if have redis-server; then
    exit 0
fi
install_packages redis redis-server redis
have redis-server || fail "redis-server is installed, but \`redis-server\` is nowhere to be found"
