#!/bin/sh
# A server that speaks MySQL's protocol: whichever of MariaDB and MySQL is there, else MariaDB,
# which Debian, Ubuntu and Homebrew all have.
set -eu
# shellcheck source=provisioning/lib.sh
. "$(dirname -- "$0")/../lib.sh"

if have mariadbd || have mysqld; then
    exit 0
fi
install_packages mysql mariadb-server mariadb
have mariadbd || fail "mariadb-server is installed, but \`mariadbd\` is nowhere to be found"
