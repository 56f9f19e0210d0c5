#!/bin/sh
# Installs what the tests need beside Python packages: a browser, clients, the four servers, Node.
# Does nothing, quickly, where all is there. Debian and Ubuntu; as root or with sudo.
set -eu
cd "$(dirname "$0")/.."

missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need chromium chromium
need chromedriver chromium-driver
need curl curl
need jq jq
need sudo sudo
need shellcheck shellcheck
need openssl openssl
need certutil libnss3-tools

if [ -n "$missing" ]; then
    echo "installing:$missing"
    sudo=
    [ "$(id -u)" = 0 ] || sudo="sudo -n"
    $sudo apt-get -qq update
    # shellcheck disable=SC2086 # a list of package names
    DEBIAN_FRONTEND=noninteractive $sudo apt-get -qq install -y --no-install-recommends \
        -o DPkg::Lock::Timeout=600 $missing >/dev/null
fi

PYTHON=${PYTHON:-$PWD/.venv/bin/python}
DEVENV_TOOLS=${DEVENV_TEST_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/devenv-tests/tools}
export PYTHON DEVENV_TOOLS
for service in mysql redis rabbitmq mongodb node; do
    sh "provisioning/$service/install.sh"
done
