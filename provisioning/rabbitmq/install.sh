#!/bin/sh
# RabbitMQ, and with it Erlang.
set -eu
# shellcheck source=provisioning/lib.sh
. "$(dirname -- "$0")/../lib.sh"

if have rabbitmq-server && have erl; then
    exit 0
fi
install_packages rabbitmq rabbitmq-server rabbitmq
have erl || fail "rabbitmq-server is installed, but \`erl\` is nowhere to be found"
