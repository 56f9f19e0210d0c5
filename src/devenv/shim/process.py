"""Start one process on a terminal of its own, or say why it cannot be started.

The child leads its own session with the terminal as its controlling one, starts with an empty mask
and default signals, and gets SIGTERM when the shim dies. SIGHUP alone starts ignored: the terminal
hangs up a moment before that SIGTERM comes, and would end the child before it can end cleanly. A
failure between fork and exec comes back through a pipe that exec closes, so a missing program is an
answer and never a process that ended with 127.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import struct
import termios
from collections.abc import Mapping
from dataclasses import dataclass

from devenv.shim import kernel
from devenv.shim.protocol import RefusedError, Run

_ALL_SIGNALS = signal.valid_signals()
_SETTABLE_SIGNALS = _ALL_SIGNALS - {signal.SIGKILL, signal.SIGSTOP}


@dataclass(frozen=True, slots=True)
class Child:
    """A started process; its pid is its session and its group too."""

    pid: int
    start_ticks: int
    terminal: int
    """The master side of its PTY, non-blocking; the owner closes it."""


def start(run: Run, environment: Mapping[str, str]) -> Child:
    """Start *run* with exactly *environment*.

    Raises:
        RefusedError: it cannot be started; nothing is left behind.
    """
    try:
        terminal, slave = os.openpty()
    except OSError as error:
        raise _no_resources(run, error) from error
    try:
        resize(terminal, run.rows, run.cols)
        pid = _fork(run, environment, slave)
    except BaseException:
        os.close(terminal)
        raise
    finally:
        os.close(slave)
    os.set_blocking(terminal, False)
    return Child(pid, kernel.start_ticks(pid), terminal)


def resize(terminal: int, rows: int, cols: int) -> None:
    """Set a terminal's window size; its foreground group gets SIGWINCH if that is new."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))


def signal_group(group: int, number: int) -> None:
    """Signal every process of *group* that may be signalled."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return


def signal_process(pid: int, number: int) -> None:
    """Signal one process if it may be signalled."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def exit_of(pid: int) -> int | None:
    """Return the exit code or negated signal of a child that has ended, and leave it unreaped.

    A zombie keeps its pid, and with it the number of its group and session, from being reused.
    """
    result = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    if result is None:
        return None
    return result.si_status if result.si_code == os.CLD_EXITED else -result.si_status


def reap(pid: int) -> bool:
    """Return whether *pid* was a child that has ended; then it is gone."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _fork(run: Run, environment: Mapping[str, str], slave: int) -> int:
    report, failure = os.pipe()
    parent = os.getpid()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _ALL_SIGNALS)
    try:
        pid = os.fork()
        if pid == 0:
            _child(run, environment, slave, failure, parent)
    except OSError as error:
        os.close(report)
        raise _no_resources(run, error) from error
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.close(failure)
    with os.fdopen(report, "rb") as file:
        told = file.read()
    if told:
        os.waitpid(pid, 0)
        step, number = told.split(b":")
        raise _cannot_start(run, step.decode(), int(number), environment)
    return pid


def _child(run: Run, environment: Mapping[str, str], slave: int, failure: int, parent: int) -> None:
    """Become the program; on failure say at which step, and end."""
    step = b"exec"
    try:
        os.login_tty(slave)
        for number in _SETTABLE_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        kernel.end_with_parent(parent)
        step = b"chdir"
        os.chdir(run.cwd)
        step = b"exec"
        os.execvpe(run.argv[0], run.argv, environment)  # noqa: S606 (argv is a list, no shell)
    except OSError as error:
        os.write(failure, b"%s:%d" % (step, error.errno or errno.EIO))
    except BaseException:  # noqa: BLE001 (the copy of the shim must never go on)
        os.write(failure, b"%s:%d" % (step, errno.EINVAL))
    finally:
        os._exit(127)


def _no_resources(run: Run, error: OSError) -> RefusedError:
    return RefusedError(
        "run.no-resources",
        f"cannot start `{run.name}`: {_sentence(error.errno)}",
        "look for a limit on processes, terminals or open files (`ulimit -a`)",
    )


def _cannot_start(run: Run, step: str, number: int, environment: Mapping[str, str]) -> RefusedError:
    if step == "chdir":
        return _no_folder(run, number)
    program = run.argv[0]
    subject = f"cannot start `{run.name}`"
    if number in (errno.ENOENT, errno.ENOTDIR):
        found = _find(program, run.cwd, environment)
        if found:
            return RefusedError(
                "run.no-interpreter",
                f"{subject}: the interpreter that the first line of `{found}` names is missing",
                "install it, or correct that line",
            )
        return RefusedError(
            "run.no-program",
            f"{subject}: no such program `{program}`",
            "install it, or correct the command in `devenv.yml`",
        )
    if number == errno.EACCES:
        return RefusedError(
            "run.no-permission",
            f"{subject}: `{program}` may not be executed",
            f"chmod +x {program}",
        )
    return RefusedError("run.not-started", f"{subject}: `{program}`: {_sentence(number)}")


def _no_folder(run: Run, number: int) -> RefusedError:
    if number == errno.EACCES:
        return RefusedError(
            "run.no-permission",
            f"cannot start `{run.name}`: the folder `{run.cwd}` may not be entered",
            "check its permissions",
        )
    return RefusedError(
        "run.no-folder",
        f"cannot start `{run.name}`: no such folder `{run.cwd}`",
        "make it, or correct `dir` in `devenv.yml`",
    )


def _find(program: str, cwd: str, environment: Mapping[str, str]) -> str:
    """Return the file that *program* names, looked up as execvp(3) does; empty if there is none."""
    folders = os.get_exec_path(environment) if "/" not in program else [""]
    for folder in folders:
        candidate = os.path.join(cwd, folder, program)  # noqa: PTH118 (no pathlib in the shim)
        if os.access(candidate, os.X_OK) and not os.path.isdir(candidate):  # noqa: PTH112
            return candidate
    return ""


def _sentence(number: int | None) -> str:
    return os.strerror(number or errno.EIO).lower()
