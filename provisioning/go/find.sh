# shellcheck shell=sh
# Which Go is used; sourced after lib.sh. FerretDB 1.24 asks for Go 1.22.6.

# find_go: prints the path of a Go that is new enough
find_go() {
    for candidate in "$(PATH=$SERVER_PATH command -v go || true)" "$DEVENV_TOOLS/go/go/bin/go"; do
        if is_new_go "$candidate"; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    return 1
}

# The tool chain itself is asked, and told not to fetch another one.
is_new_go() {
    [ -x "$1" ] || return 1
    GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null |
        awk -F '[go.]+' '{ exit !($2 > 1 || ($2 == 1 && $3 > 22) || ($2 == 1 && $3 == 22 && $4 >= 6)) }'
}
