"""The few calls into Linux that Python has no name for, and what /proc says of a process.

On other systems each of them is a no-op or an empty answer: the shim then still owns its children
and their process groups, but finds nothing that left its group.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterator

MARKER = "DEVENV_RUN"
"""Variable that every run gets: `<identity>/<name>`, by which what it left behind is found."""

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36
"""Numbers of prctl(2), from linux/prctl.h."""

_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
"""Looked up before any fork: between fork and exec nothing may be imported."""

_STAT_STATE, _STAT_PARENT, _STAT_SESSION, _STAT_START = 0, 1, 3, 19
"""Positions behind the command's name in /proc/PID/stat (proc(5))."""


def name_process(name: str) -> None:
    """Show this process as *name* in `ps`; the kernel keeps 15 bytes."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)


def adopt_descendants() -> None:
    """Become the parent of every descendant that loses its own, in init's place."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_with_parent(parent: int) -> None:
    """Get SIGTERM when *parent* dies, or now if it already has."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)


def _stat(pid: int) -> list[str] | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 (no pathlib in the shim)
            text = file.read()
    except OSError:
        return None
    return text[text.rindex(b")") + 2 :].decode("ascii").split()


def start_ticks(pid: int) -> int:
    """Return when a process began, in clock ticks since boot; 0 if there is none."""
    fields = _stat(pid)
    return 0 if fields is None else int(fields[_STAT_START])


def alive_since(pid: int) -> int:
    """Return the same of a process that still lives; a zombie does not."""
    fields = _stat(pid)
    return 0 if fields is None or fields[_STAT_STATE] in "ZX" else int(fields[_STAT_START])


def session(pid: int) -> int:
    """Return the session of a process; 0 if there is none."""
    fields = _stat(pid)
    return 0 if fields is None else int(fields[_STAT_SESSION])


def marker(pid: int) -> str:
    """Return the value of the marker that a process was started with; empty if there is none."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123
            environment = file.read()
    except OSError:
        return ""
    prefix = MARKER.encode() + b"="
    for variable in environment.split(b"\0"):
        if variable.startswith(prefix):
            return os.fsdecode(variable[len(prefix) :])
    return ""


def children(parent: int) -> list[int]:
    """Return the direct children of *parent*, zombies included."""
    try:
        with open(f"/proc/{parent}/task/{parent}/children", "rb") as file:  # noqa: PTH123
            return [int(pid) for pid in file.read().split()]
    except OSError:  # a kernel without CONFIG_PROC_CHILDREN
        return [pid for pid in processes() if _is_child(pid, parent)]


def _is_child(pid: int, parent: int) -> bool:
    fields = _stat(pid)
    return fields is not None and int(fields[_STAT_PARENT]) == parent


def processes() -> Iterator[int]:
    """Yield the pid of every process that can be seen."""
    try:
        names = os.listdir("/proc")  # noqa: PTH208
    except OSError:
        return
    yield from (int(name) for name in names if name.isdigit())
