import asyncio
import errno
from pathlib import Path

import pytest
from fakes.clock import settle
from fakes.worlds import run, scripted
from fakes.worlds import unit as unit_of

from devenv.errors import DevenvError, TerminalError
from devenv.model.spec import Redis
from devenv.model.unit import Endpoint, File, Job, Kind, Unit
from devenv.providers.native import MAIN, PREPARE, NativeProvider, Surroundings, disk_error
from devenv.system.paths import CheckoutPaths, data_folder

SERVER = Unit(
    name="cache",
    kind=Kind.SERVICE,
    digest="d",
    service=Redis(),
    endpoint=Endpoint("127.0.0.9", 6379),
    grace_s=7.0,
)


class FakeKind:
    """A kind of server that is missing, then without data, then ready, as its jobs are done."""

    provisioning = "redis"

    def __init__(self, *, installed=True, initialised=True):
        self.installed, self.initialised = installed, initialised
        self.places = []

    def missing(self, _path):
        return None if self.installed else "redis-server"

    def initialise(self, _service, place):
        self.places.append(place)
        return None if self.initialised else Job(("initialise",), place.run)

    def run(self, _service, place):
        return Job(("serve", str(place.endpoint)), place.data, place.environment)

    def client_environment(self, _service, place):
        return {"CACHE": str(place.endpoint)}


class FakeShim:
    """A shim's client that notes what it is asked."""

    def __init__(self):
        self.runs, self.forgotten, self.stopped, self.aborted = [], [], [], False

    async def start(self, wanted):
        self.runs.append(wanted)
        return run(wanted.name, 42, stage=wanted.stage)

    async def forget(self, name):
        self.forgotten.append(name)

    async def stop(self, name, *, grace_s, reason):
        self.stopped.append((name, grace_s, reason))

    def abort(self):
        self.aborted = True


class Native:
    """A provider on fakes, in a temporary checkout."""

    def __init__(self, folder, **state):
        self.kind, self.shim, self.paths = FakeKind(**state), FakeShim(), CheckoutPaths(folder)
        self.paths.ensure()
        around = Surroundings(
            kinds={"redis": self.kind},
            paths=self.paths,
            tools=Path("/data/tools"),
            identity="0123",
            environ={"PATH": "/usr/bin", "LANG": "C"},
        )
        self.provider = NativeProvider(self.shim, around)

    async def ends(self, name="cache", code=0):
        await settle()
        return self.provider.deliver(run(name, 42, stage=PREPARE, code=code))


@scripted
async def test_a_process_runs_its_job_with_its_files_written_and_its_digest_on_it(tmp_path):
    native = Native(tmp_path)
    file = File(tmp_path / "deep" / "cdn.json", "{}", mode=0o600)
    job = Job(("serve",), tmp_path, {"A": "b"}, (file,))
    await native.provider.start(Unit("cdn", Kind.PROCESS, "d", job=job), digest="with inputs")
    (started,) = native.shim.runs
    assert (started.stage, started.digest, started.argv) == (MAIN, "with inputs", ("serve",))
    assert (started.environment, started.log) == (
        {"A": "b"},
        str(tmp_path / ".devenv/logs/cdn.log"),
    )
    assert file.path.read_text() == "{}"
    assert file.path.stat().st_mode & 0o777 == 0o600


@scripted
async def test_a_service_runs_in_its_place_with_servers_on_the_path(tmp_path):
    native = Native(tmp_path)
    await native.provider.start(SERVER, digest="d")
    (started,) = native.shim.runs
    assert (started.argv, started.cwd) == (
        ("serve", "127.0.0.9:6379"),
        str(tmp_path / ".devenv/data/cache"),
    )
    assert started.environment == {
        "LANG": "C",
        "PATH": "/usr/bin:/usr/local/sbin:/usr/sbin:/sbin:/data/tools/bin",
        "DEVENV_TOOLS": "/data/tools",
        "DEVENV_ENVIRONMENT": "0123",
        "DEVENV_UNIT": "cache",
    }


@scripted
async def test_a_service_is_installed_and_then_initialised(tmp_path):
    native = Native(tmp_path, installed=False, initialised=False)
    assert native.provider.needs_preparation(SERVER)
    async with asyncio.TaskGroup() as group:
        group.create_task(native.provider.prepare(SERVER))
        assert await native.ends()
        native.kind.installed = True
        assert await native.ends()
    script = data_folder("provisioning") / "redis" / "install.sh"
    assert [each.argv for each in native.shim.runs] == [("/bin/sh", str(script)), ("initialise",)]
    assert {each.stage for each in native.shim.runs} == {PREPARE}
    assert native.shim.forgotten == ["cache", "cache"]


def test_what_is_there_needs_no_preparation(tmp_path):
    native = Native(tmp_path)
    assert not native.provider.needs_preparation(SERVER)
    assert not native.provider.needs_preparation(unit_of("web"))


@scripted
async def test_a_preparation_that_fails_says_which_and_how(tmp_path):
    native = Native(tmp_path, installed=False)
    preparing = asyncio.create_task(native.provider.prepare(SERVER))
    await native.ends(code=100)
    with pytest.raises(TerminalError) as caught:
        await preparing
    assert caught.value.message == "cannot install `cache`: it exited with 100"
    assert caught.value.hint == "`devenv logs cache` shows why; then `devenv up`"


@scripted
async def test_an_exit_that_nobody_waits_for_is_not_taken(tmp_path):
    native = Native(tmp_path, installed=False)
    assert not await native.ends()
    preparing = asyncio.create_task(native.provider.prepare(SERVER))
    await settle()
    assert not native.provider.deliver(run("cache", 41, stage=MAIN, code=0))
    assert await native.ends(code=1)
    with pytest.raises(TerminalError):
        await preparing


@scripted
async def test_whoever_waits_learns_that_the_shim_is_gone(tmp_path):
    native = Native(tmp_path, installed=False)
    preparing = asyncio.create_task(native.provider.prepare(SERVER))
    await settle()
    native.provider.abandon()
    with pytest.raises(ConnectionError):
        await preparing


@scripted
async def test_a_new_provider_on_the_same_shim_goes_on_waiting(tmp_path):
    native = Native(tmp_path, installed=False)
    async with asyncio.TaskGroup() as group:
        group.create_task(native.provider.prepare(SERVER))
        await settle()
        second = Native(tmp_path).provider
        second.inherit(native.provider)
        native.kind.installed = True
        assert second.deliver(run("cache", 42, stage=PREPARE, code=0))


@scripted
async def test_a_stop_gives_each_unit_its_own_grace(tmp_path):
    native = Native(tmp_path)
    await native.provider.stop(SERVER, "cache", "down")
    await native.provider.stop(None, "old", "not in devenv.yml any more")
    assert native.shim.stopped == [
        ("cache", 7.0, "down"),
        ("old", 10.0, "not in devenv.yml any more"),
    ]


def test_hanging_up_breaks_the_connection(tmp_path):
    native = Native(tmp_path)
    native.provider.hang_up()
    assert native.shim.aborted


def test_clients_of_a_service_need_no_arguments(tmp_path):
    assert Native(tmp_path).provider.client_environment(SERVER) == {"CACHE": "127.0.0.9:6379"}


@scripted
async def test_a_file_that_cannot_be_written_is_told_and_nothing_is_started(tmp_path):
    native = Native(tmp_path)
    (tmp_path / "taken").write_text("")
    job = Job(("serve",), tmp_path, {}, (File(tmp_path / "taken" / "file", ""),))
    with pytest.raises(DevenvError) as caught:
        await native.provider.start(Unit("web", Kind.PROCESS, "d", job=job), digest="d")
    assert caught.value.code == "file.unwritable"
    assert native.shim.runs == []


@pytest.mark.parametrize(
    ("number", "code", "hint"),
    [
        (errno.ENOSPC, "disk.full", "free some space on that disk, then `devenv up`"),
        (errno.EDQUOT, "disk.full", "free some space on that disk, then `devenv up`"),
        (
            errno.EACCES,
            "file.unwritable",
            "check the permissions of `.devenv/`, then `devenv up`",
        ),
    ],
)
def test_a_full_disk_and_a_forbidden_file_have_their_own_hints(number, code, hint):
    error = disk_error("web", OSError(number, "why", "/x"))
    assert (error.message, error.hint, error.code) == (
        "cannot start `web`: cannot write `/x`: why",
        hint,
        code,
    )
