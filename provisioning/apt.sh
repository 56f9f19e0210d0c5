#!/bin/sh
# Installs one Debian package as root. Nothing that is installed here starts a server, now or at
# the next boot: the system's own instances would hold the ports that the environments need. A
# package that was there before is left as it is.
set -eu

package=$1
# Debian's administration tools call one another by name; a bare environment may not have sbin.
PATH=/usr/sbin:/sbin:$PATH
export PATH
policy=/usr/sbin/policy-rc.d
mark='# devenv: no server starts while its package is installed'
log=$(mktemp)
before=$(mktemp)
export DEBIAN_FRONTEND=noninteractive

fail() {
    printf 'error: %s\n\nhint: %s\n' "$1" "$2" >&2
    exit 1
}

# invoke-rc.d and deb-systemd-invoke ask this file (Debian: invoke-rc.d(8)); 101 forbids.
# One of somebody else's is never touched: whoever wrote it has decided already.
forbid_starts() {
    [ -e "$policy" ] && return
    printf '#!/bin/sh\n%s\nexit 101\n' "$mark" >"$policy"
    chmod 755 "$policy"
}

clean_up() {
    rm -f "$log" "$before"
    if grep -qsF "$mark" "$policy"; then
        rm -f "$policy"
    fi
}

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ]
}

is_known() {
    apt-cache policy "$package" 2>/dev/null | grep -q 'Candidate: [^(]'
}

# An index older than a week names versions that the servers no longer have.
is_old() {
    [ -z "$(find /var/lib/apt/lists -maxdepth 1 -name '*Packages*' -mtime -7 2>/dev/null | head -n 1)" ]
}

# The output goes on as it comes, and is kept to tell a dead network from other failures. What a
# package leaves running must not inherit the lock.
apt_get() {
    status=0
    { apt-get -q -o DPkg::Lock::Timeout=600 -o Acquire::Retries=1 "$@" </dev/null 2>&1 9>&- ||
        echo failed >"$log.status"; } | tee -a "$log"
    if [ -e "$log.status" ]; then
        rm -f "$log.status"
        status=1
    fi
    return "$status"
}

install_package() {
    apt_get install -y --no-install-recommends "$package"
}

give_up() {
    if grep -qE 'Could not (resolve|connect)|Temporary failure|Unable to connect|Network is unreachable' "$log"; then
        fail "cannot install $package: the package servers cannot be reached" \
            "check the network, then: sudo apt-get install $package"
    fi
    is_known || fail "cannot install $package: this system's package sources do not have it" \
        "add a source that has it, then: sudo apt-get update && sudo apt-get install $package"
    fail "cannot install $package: apt-get failed, see its lines above" \
        "sudo apt-get install $package"
}

installed() {
    dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | sort
}

# At the next boot a system instance would hold the usual port, RabbitMQ's and Erlang's on every
# address. Only what came with this installation is disabled.
disable_at_boot() {
    for new in $(installed | comm -13 "$before" -); do
        for unit in $(units_of "$new"); do
            systemctl --quiet disable "$unit" >/dev/null 2>&1 || true
        done
        for script in $(dpkg -L "$new" | sed -n 's|^/etc/init\.d/||p'); do
            update-rc.d "$script" disable >/dev/null 2>&1 || true
        done
    done
}

# Templates (`name@.service`) have no state of their own.
units_of() {
    dpkg -L "$1" | sed -n -e 's|.*/systemd/system/\([^/@]*\.service\)$|\1|p' \
        -e 's|.*/systemd/system/\([^/@]*\.socket\)$|\1|p'
}

exec 9>/run/devenv-apt.lock
flock 9
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
is_installed && exit 0
forbid_starts
installed >"$before"
if is_old || ! is_known; then
    apt_get update || true
fi
install_package || { apt_get update && install_package; } || give_up
disable_at_boot
