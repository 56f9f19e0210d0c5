# shellcheck shell=sh
# What the install scripts share; sourced, never run. POSIX sh, because an image build and a
# fresh VM have nothing else. Where a program is looked for, what is said and how it fails is
# decided here; which package holds what is each service's own business.
#
# Environment: DEVENV_TOOLS is the folder for programs that devenv installs for itself (default:
# the XDG data folder), PYTHON the interpreter that reaches PyPI (default: python3).

DEVENV_TOOLS=${DEVENV_TOOLS:-${XDG_DATA_HOME:-${HOME:-/root}/.local/share}/devenv/tools}
PYTHON=${PYTHON:-python3}
provisioning=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

# Servers live outside a user's PATH: Debian in sbin, Homebrew in its prefix.
SERVER_PATH=$DEVENV_TOOLS/bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/lib/rabbitmq/bin:/opt/homebrew/bin:/opt/homebrew/sbin:/usr/local/bin

say() {
    printf '%s\n' "$*"
}

# fail MESSAGE [HINT]
fail() {
    printf 'error: %s\n' "$1" >&2
    if [ -n "${2:-}" ]; then
        printf '\nhint: %s\n' "$2" >&2
    fi
    exit 1
}

have() {
    PATH=$SERVER_PATH command -v "$1" >/dev/null 2>&1
}

# interactive: may sudo ask for a password?
interactive() {
    [ -t 0 ] && [ "${CI:-}" = "" ]
}

# install_packages SERVICE APT_PACKAGE BREW_FORMULA
install_packages() {
    if have apt-get; then
        say "installing the package $2 (for $1) with apt-get"
        apt_install "$2"
    elif have brew; then
        say "installing the formula $3 (for $1) with Homebrew"
        PATH=$SERVER_PATH HOMEBREW_NO_AUTO_UPDATE=1 brew install "$3" ||
            fail "\`brew install $3\` failed" "run it yourself to see why: brew install $3"
    else
        fail "cannot install $1: this system has neither apt-get nor Homebrew" \
            "install $1 with your system's package manager and try again"
    fi
}

apt_install() {
    if [ "$(id -u)" = 0 ]; then
        sh "$provisioning/apt.sh" "$1"
        return
    fi
    have sudo || fail "cannot install $1: that needs root, and there is no sudo" \
        "as root: apt-get install $1"
    if interactive; then
        sudo -v -p "password of %p, to install $1: " || refuse_sudo "$1"
    else
        sudo -n true 2>/dev/null || refuse_sudo "$1"
    fi
    sudo -n sh "$provisioning/apt.sh" "$1"
}

refuse_sudo() {
    fail "cannot install $1: that needs root, and sudo asks for a password or refuses" \
        "sudo apt-get install $1"
}

# pip_install FOLDER REQUIREMENT: a wheel from PyPI into a folder of its own, seen whole or not at all
pip_install() {
    have "$PYTHON" || fail "cannot install $2: \`$PYTHON\` is not on the PATH" \
        "set PYTHON to a Python 3.11 or newer"
    mkdir -p "$DEVENV_TOOLS"
    fresh=$(mktemp -d "$DEVENV_TOOLS/.new.XXXXXX")
    # shellcheck disable=SC2064 # the folder's name is known now
    trap "rm -rf '$fresh'" EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    "$PYTHON" -m pip install --quiet --disable-pip-version-check --no-input --only-binary :all: \
        --no-deps --target "$fresh" "$2" ||
        fail "cannot install $2 from PyPI" "check the network and try again"
    chmod 755 "$fresh"
    rm -rf "$1"
    mv "$fresh" "$1"
}
