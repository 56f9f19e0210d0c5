"""`devenv serve`: the daemon in the foreground, with the edge on a port of the user's choice.

Called through sudo, everything but the right to bind low ports is given up before anything else
happens; the daemon and all that it starts belong to the user who typed the command.
"""

from __future__ import annotations

import os
import sys

from devenv.cli.client import replace_daemon
from devenv.system.privileges import become, invoking_user


def serve(port: int) -> int:
    """Become the daemon; returns only if that fails."""
    account = invoking_user()
    if account is not None:
        become(account)
        os.environ.update(HOME=account.home, USER=account.name, LOGNAME=account.name)
        for name in [name for name in os.environ if name.startswith(("SUDO_", "XDG_"))]:
            del os.environ[name]
    replace_daemon()
    command = [sys.executable, "-m", "devenv.daemon.main", "--serve", str(port)]
    os.execv(command[0], command)  # noqa: S606 (no shell wanted)
