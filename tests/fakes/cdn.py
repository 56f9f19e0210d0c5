"""A real CDN process on sources made for a test."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

from devenv.assets.config import READY_PATH, CdnConfig

HOST = "127.77.60.1"
STOP_TIMEOUT_S = 10


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict
    body: bytes

    @property
    def text(self):
        return self.body.decode()


class CdnProcess:
    """`python -m devenv.assets` as the daemon runs it; a context manager."""

    def __init__(self, folder, compiler, **settings):
        self.folder = folder
        self.log_file = folder / "cdn.log"
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.config = CdnConfig(
            **{
                "name": "cdn",
                "host": HOST,
                "port": free_port(),
                "cache": folder / "cache",
                "compiler": compiler,
                "cwd": folder,
                "python": sys.executable,
                "environment": environment,
                **settings,
            }
        )
        self._process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_exc):
        if self._process.poll() is None:
            self.stop()

    def start(self, *, ready=True):
        path = self.folder / "cdn.json"
        path.write_text(self.config.to_json())
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "devenv.assets", str(path)], stdout=log, stderr=log
            )
        self._wait(lambda: self.get(READY_PATH).status == 200 if ready else self.get(READY_PATH))

    def _wait(self, answered):
        deadline = time.monotonic() + 30
        while True:
            try:
                if answered():
                    return
            except OSError:
                pass
            assert self._process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.02)

    def stop(self, number=signal.SIGTERM):
        """End it and return its exit code."""
        self._process.send_signal(number)
        return self._process.wait(STOP_TIMEOUT_S)

    @property
    def log(self):
        return self.log_file.read_text()

    def get(self, path, method="GET", **headers):
        """Send the path as it is; header names have `_` for `-`."""
        connection = http.client.HTTPConnection(HOST, self.config.port, timeout=40)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers=named)
            answer = connection.getresponse()
            return Response(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def children(self):
        """The pids of its children by the program's name."""
        tasks = Path(f"/proc/{self._process.pid}/task").iterdir()
        pids = [pid for task in tasks for pid in (task / "children").read_text().split()]
        return {Path(f"/proc/{pid}/comm").read_text().strip(): int(pid) for pid in pids}


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def write(path, text):
    """Write a source, dedented, its folders included; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    return path


MANAGE = """\
import os
import sys

print("manage.py says hello")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

if __name__ == "__main__":
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
"""
SETTINGS = """\
from pathlib import Path

print("the settings say hello")
BASE_DIR = Path(__file__).parents[1]
SECRET_KEY = "for tests"
INSTALLED_APPS = ["django.contrib.staticfiles", "shop"]
STATIC_URL = "/"
STATICFILES_DIRS = [BASE_DIR / "assets", ("vendor", BASE_DIR / "bower_components")]
"""


def make_project(folder):
    """A Django project with an app, a folder of assets and one with a prefix."""
    write(folder / "manage.py", MANAGE)
    write(folder / "project/__init__.py", "")
    write(folder / "project/settings.py", SETTINGS)
    write(folder / "shop/__init__.py", "")
    write(folder / "shop/static/shop.css", "shop {}\n")
    write(folder / "assets/css/site.less", '@import "colors";\nbody { color: @ink; }\n')
    write(folder / "assets/css/colors.less", "@ink: #111111;\n")
    write(folder / "bower_components/jquery/jquery.js", "jquery();\n")
    return folder / "manage.py"
