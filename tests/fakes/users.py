"""Another, ordinary user of this machine, made for a test; needs root, through sudo if need be."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fakes.checkouts import USERS_PATH, WEB, Checkout, Home, as_root


class UsersCheckout(Checkout):
    """A checkout of another, ordinary user, whose commands run as that user."""

    def __init__(self, checkout: Checkout, user: pwd.struct_passwd) -> None:
        super().__init__(checkout.home, checkout.folder)
        self.user = user
        self.home.environment |= {"USER": user.pw_name, "LOGNAME": user.pw_name}
        identity = (f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--init-groups")
        self.become = as_root("setpriv", *identity)
        self.python = self._interpreter()

    def start(
        self, *words: str, environment: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[str]:
        """Begin a command as the user."""
        if environment is not None:
            options["env"] = dict(environment)
        return self.spawn(*self.become, *self.python, *words, **options)

    def serve(self, port: int) -> subprocess.Popen[str]:
        """Begin `sudo devenv serve`, with what sudo sets; root's own HOME is not the user's."""
        asked = {"SUDO_UID": self.user.pw_uid, "SUDO_GID": self.user.pw_gid, "HOME": "/root"}
        variables = [f"{name}={value}" for name, value in asked.items()]
        return self.spawn(*as_root("env", *variables), *self.python, "serve", "--port", str(port))

    def spawn(self, *argv: str, **options: Any) -> subprocess.Popen[str]:
        """Begin a program in the checkout."""
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        shared = {"cwd": self.folder, "env": dict(self.home.environment), "text": True}
        return subprocess.Popen(argv, **{**shared, **pipes, **options})

    def _interpreter(self) -> tuple[str, ...]:
        """Return how this user runs devenv: our interpreter may lie below root's own home."""
        tried = [*self.become, "sh", "-c", '"$0" -c "import devenv"', sys.executable]
        done = subprocess.run(tried, capture_output=True, timeout=20, check=False, cwd="/")
        if done.returncode == 0:
            return (sys.executable, "-m", "devenv")
        paths = [path for path in sys.path if path and "/tests" not in path]
        self.home.environment["PYTHONPATH"] = os.pathsep.join(paths)
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        interpreter = shutil.which(version, path="/usr/bin:/usr/local/bin")
        programs = self.home.base / "bin"
        programs.mkdir()
        (programs / "python").symlink_to(interpreter)
        self.home.environment["PATH"] = os.pathsep.join((str(programs), USERS_PATH))
        return (interpreter, "-m", "devenv")


@contextmanager
def ordinary_user(home: Home) -> Iterator[UsersCheckout]:
    """Make a user to whom *home* belongs, with a checkout in it."""
    name = f"dv{os.getpid()}"
    home.base.chmod(0o755)
    made = as_root("useradd", "-M", "-d", home.folder, "-s", "/bin/sh", name)
    subprocess.run(made, check=True, timeout=20, capture_output=True)
    try:
        checkout = home.checkout(config=WEB)
        subprocess.run(as_root("chown", "-R", f"{name}:", home.base), check=True, timeout=20)
        yield UsersCheckout(checkout, pwd.getpwnam(name))
    finally:
        home.end()
        subprocess.run(as_root("userdel", name), check=True, timeout=20, capture_output=True)
