#!/bin/sh
# A server that speaks MongoDB's protocol: `mongod` if there is one, else FerretDB on SQLite, built
# here, because neither is in Debian, Ubuntu or Homebrew's core.
set -eu
# shellcheck source=provisioning/lib.sh
. "$(dirname -- "$0")/../lib.sh"
# shellcheck source=provisioning/go/find.sh
. "$provisioning/go/find.sh"

# Everything that the build downloads and makes goes into one folder, which goes away with it; the
# program appears under its name when it is whole.
build() {
    mkdir -p "$DEVENV_TOOLS/bin"
    work=$(mktemp -d "$DEVENV_TOOLS/.build.XXXXXX")
    # shellcheck disable=SC2064 # the folder's name is known now
    trap "rm -rf '$work'" EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    cp "$provisioning"/mongodb/ferretdb/* "$work"
    (
        cd "$work"
        env GOTOOLCHAIN=local GOPATH="$work/path" GOCACHE="$work/cache" GOFLAGS=-modcacherw \
            GOWORK=off CGO_ENABLED=0 \
            "$go" build -trimpath -tags ferretdb_no_postgresql -ldflags '-s -w' -o devenv-ferretdb .
    ) || fail "cannot build FerretDB: see the lines above" \
        "if the network was down, try again; or install MongoDB yourself (\`mongod\` on the PATH)"
    mv "$work/devenv-ferretdb" "$DEVENV_TOOLS/bin/devenv-ferretdb"
}

if have mongod || have devenv-ferretdb; then
    exit 0
fi
say "there is no mongod: building FerretDB 1.24 with SQLite into $DEVENV_TOOLS/bin (some minutes)"
sh "$provisioning/go/install.sh"
go=$(find_go)
build
