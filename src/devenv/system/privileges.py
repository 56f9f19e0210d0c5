"""From root to the invoking user, with the right to bind low ports and nothing else.

Linux keeps a capability over a change of user only if asked to (PR_SET_KEEPCAPS), and hands it to
programs that are executed only as an ambient one (capabilities(7)). Both are one-way here: after
`become` no call brings root back.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import sys
from dataclasses import dataclass

from devenv.errors import DevenvError

CAP_NET_BIND_SERVICE = 10
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAPABILITY_VERSION_3 = 0x20080522
"""Numbers of linux/capability.h and linux/prctl.h; they are part of the kernel's ABI."""


@dataclass(frozen=True, slots=True)
class Account:
    """The user who typed `sudo`."""

    uid: int
    gid: int
    name: str
    home: str


def invoking_user() -> Account | None:
    """Return who called sudo, or None if this was not called through it (or by root for root).

    Raises:
        DevenvError: SUDO_UID names no user.
    """
    text = os.environ.get("SUDO_UID", "")
    if os.geteuid() != 0 or not text or text == "0":
        return None
    try:
        entry = pwd.getpwuid(int(text))
    except (KeyError, ValueError):
        raise DevenvError(
            f"SUDO_UID names no user: {text!r}", hint="run it through sudo", code="sudo.unknown"
        ) from None
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name, entry.pw_dir)


def become(account: Account) -> None:
    """Drop root for good, keeping the right to bind ports below 1024 for what is executed.

    Raises:
        DevenvError: this platform has no ambient capabilities.
    """
    if sys.platform != "linux":
        raise DevenvError(
            "only Linux lets a user keep the right to bind port 443",
            hint="run `devenv serve` without sudo: macOS lets everybody bind it",
            code="serve.platform",
        )
    libc = ctypes.CDLL(None, use_errno=True)
    _check(libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0))
    os.initgroups(account.name, account.gid)
    os.setresgid(account.gid, account.gid, account.gid)
    os.setresuid(account.uid, account.uid, account.uid)
    _keep_only(libc, 1 << CAP_NET_BIND_SERVICE)
    _check(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0))


def _keep_only(libc: ctypes.CDLL, mask: int) -> None:
    """Make *mask* the effective, permitted and inheritable set (capset(2))."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    _check(libc.capset(ctypes.byref(header), ctypes.byref(data)))


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise DevenvError(
            f"cannot keep the right to bind low ports: {os.strerror(number)}",
            hint="check that the kernel allows ambient capabilities to this user",
            code="serve.capability",
        )
