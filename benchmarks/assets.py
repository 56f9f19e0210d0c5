"""Our asset server beside what a Django project has without it, on Bootstrap 3's LESS (69 files).

Compiling: beside `lessc` started for each request, the origin talk's way, with `findstatic` and
without. A plain file: beside `runserver`'s static files. Then what the three processes of ours keep
resident. Medians, in milliseconds, and the ratio to ours; nothing is asserted.

    python benchmarks/assets.py        (needs node, npm and Django in this interpreter)
"""

import contextlib
import http.client
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from devenv.assets.config import READY_PATH, CdnConfig
from devenv.assets.install import compiler_folder, ensure_worker

ADDRESS = "127.77.61.1"
OURS, RUNSERVER = 9600, 8000
ROUNDS, REQUESTS = 7, 300

MANAGE = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""
SETTINGS = """
DEBUG, SECRET_KEY, ALLOWED_HOSTS = True, "benchmark", ["*"]
INSTALLED_APPS, ROOT_URLCONF = ["django.contrib.staticfiles"], "urls"
STATIC_URL, STATICFILES_DIRS = "/static/", ["{static}"]
"""


def make_project(folder):
    """A Django project whose static folder is the `bootstrap` package."""
    package = folder / "node_modules" / "bootstrap"
    npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "bootstrap@3.3.7"]
    (folder / "package.json").write_text("{}")
    subprocess.run(npm, cwd=folder, check=True)
    (folder / "manage.py").write_text(MANAGE)
    (folder / "settings.py").write_text(SETTINGS.format(static=package))
    (folder / "urls.py").write_text("urlpatterns = []")
    return package


@contextlib.contextmanager
def running(argv, port, path, cwd):
    """Run a server until it answers *path*, and end it."""
    process = subprocess.Popen(argv, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            with contextlib.suppress(OSError):
                if Client(port).get(path)[0] == 200:
                    break
            if process.poll() is not None:
                sys.exit(f"{argv} ended with exit code {process.returncode}")
            time.sleep(0.02)
        yield process
    finally:
        process.terminate()
        process.wait()


class Client:
    """One connection, kept alive where the server does."""

    def __init__(self, port):
        self._connection = http.client.HTTPConnection(ADDRESS, port)

    def get(self, path, **headers):
        self._connection.request("GET", path, headers=headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read(), answer.headers.get("etag")


def timed(call):
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def median(call, rounds=REQUESTS):
    return statistics.median(timed(call) for _ in range(rounds))


def resident_mib(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def row(name, *values, ratio=None):
    cells = "".join(f"{value:>12.2f}" for value in values)
    print(f"{name:<44}{cells}" + (f"{ratio:>10.1f}x" if ratio else ""))


def compare(title, ours, *others):
    print(f"\n{title}")
    row("  ours", ours, ratio=1.0)
    for name, theirs in others:
        row(f"  {name}", theirs, ratio=theirs / ours)


def run(argv, folder):
    subprocess.run(argv, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def edited_import(client, package):
    """Time the first request after each of some edits of one import."""
    file = package / "less" / "variables.less"
    original = file.read_text()

    def edit(number):
        file.write_text(f"{original}\n@edit: {number};\n")
        return timed(lambda: client.get("/static/less/bootstrap.css"))

    try:
        return statistics.median(edit(number) for number in range(ROUNDS))
    finally:
        file.write_text(original)


def measure(folder, package, compiler, server):
    client = Client(OURS)
    first = timed(lambda: client.get("/static/less/bootstrap.css"))
    lessc = ["node", str(compiler / "node_modules/less/bin/lessc"), "less/bootstrap.less"]
    find = [sys.executable, "manage.py", "findstatic", "less/bootstrap.less"]
    by_lessc = median(lambda: run(lessc, package), ROUNDS)
    by_find = median(lambda: run(find, folder), ROUNDS)
    others = (("lessc", by_lessc), ("findstatic, then lessc", by_find + by_lessc))
    compare("stylesheet, first request after the start", first, *others)
    compare("stylesheet, an import edited", edited_import(client, package), *others)
    time.sleep(2.1)  # until stamps prove something again
    tag = client.get("/static/less/bootstrap.css")[2]
    unchanged = median(lambda: client.get("/static/less/bootstrap.css"))
    compare("stylesheet, unchanged", unchanged, *others)
    known = {"If-None-Match": tag}
    compare("stylesheet, 304", median(lambda: client.get("/static/less/bootstrap.css", **known)))
    plain = "/static/dist/js/bootstrap.js"
    theirs = Client(RUNSERVER)
    runserver = median(lambda: theirs.get(plain))
    compare("a plain file", median(lambda: client.get(plain)), ("runserver", runserver))
    print("\nresident memory, MiB")
    row("  asset server", resident_mib(server.pid))
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    for pid in children:
        row(f"  {Path(f'/proc/{pid}/comm').read_text().strip()}", resident_mib(pid))


def main():
    folder = Path(tempfile.mkdtemp(prefix="devenv-benchmark-"))
    try:
        package = make_project(folder)
        compiler = compiler_folder(folder / "tools")
        ensure_worker(compiler)
        config = CdnConfig(
            name="cdn",
            host=ADDRESS,
            port=OURS,
            cache=folder / "cache",
            compiler=compiler,
            cwd=folder,
            django=folder / "manage.py",
            python=sys.executable,
            environment=dict(os.environ),
        )
        (folder / "cdn.json").write_text(config.to_json())
        ours = [sys.executable, "-m", "devenv.assets", str(folder / "cdn.json")]
        django = [sys.executable, "manage.py", "runserver", "--noreload", f"{ADDRESS}:{RUNSERVER}"]
        with (
            running(ours, OURS, READY_PATH, folder) as server,
            running(django, RUNSERVER, "/static/package.json", folder),
        ):
            print(f"{'':<44}{'ms':>12}{'ratio':>11}")
            measure(folder, package, compiler, server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
