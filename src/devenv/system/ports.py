"""Who holds a port: so that an error can name the program and its pid.

Linux tells by /proc/net/tcp and the socket inodes in /proc/PID/fd (proc(5)). Processes of other
users are not readable without root; then only the fact is known, not the name.
"""

from __future__ import annotations

import errno
import socket
from dataclasses import dataclass
from pathlib import Path

LISTEN = "0A"
"""TCP_LISTEN in /proc/net/tcp (include/net/tcp_states.h)."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that listens on a port."""

    pid: int
    name: str

    def __str__(self) -> str:
        return f"`{self.name}` (pid {self.pid})"


def is_free(host: str, port: int) -> bool:
    """Tell whether a listener could be bound to the port now.

    Raises:
        OSError: the address does not exist on this machine or the port needs a privilege.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def has_ipv6_loopback() -> bool:
    """Tell whether this machine has `::1`."""
    try:
        return is_free("::1", 0)
    except OSError:
        return False


def holder(host: str, port: int) -> Holder | None:
    """Return the process that listens on the port on *host* or on every address, if it shows."""
    inodes = _listening_inodes(host, port)
    if not inodes:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        try:
            for descriptor in (process / "fd").iterdir():
                if str(descriptor.readlink()) in inodes:
                    name = (process / "comm").read_text(encoding="utf-8").strip()
                    return Holder(int(process.name), name)
        except OSError:
            continue  # ended meanwhile, or another user's
    return None


def _listening_inodes(host: str, port: int) -> frozenset[str]:
    wanted = {_hexadecimal(host), _hexadecimal("::" if ":" in host else "0.0.0.0"), "0" * 32}  # noqa: S104
    table = [*_rows("/proc/net/tcp"), *_rows("/proc/net/tcp6")]
    return frozenset(
        f"socket:[{row[9]}]"
        for row in table
        if row[3] == LISTEN
        and int(row[1].rpartition(":")[2], 16) == port
        and row[1].rpartition(":")[0] in wanted
    )


def _rows(table: str) -> list[list[str]]:
    try:
        return [line.split() for line in Path(table).read_text(encoding="ascii").splitlines()[1:]]
    except OSError:
        return []


def _hexadecimal(host: str) -> str:
    """Return an address as /proc/net/tcp has it: words in host (little-endian) byte order."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    packed = socket.inet_pton(family, host)
    return "".join(packed[i : i + 4][::-1].hex().upper() for i in range(0, len(packed), 4))
