from fakes.configuration import project_of
from fakes.worlds import scripted, step

from devenv.daemon.setup import SetupStamps
from devenv.system.inputs import InputDigests
from devenv.system.paths import CheckoutPaths

PROJECT = project_of("name: app\nsetup: {migrate: {run: m, inputs: [models.py]}}")


def stamps_in(folder):
    return SetupStamps(CheckoutPaths(folder), InputDigests())


async def done(stamps, unit):
    stamps.mark(unit.name, await stamps.digest(PROJECT, unit))


@scripted
async def test_a_step_is_current_until_an_input_or_its_definition_changes(tmp_path):
    stamps, migrate = stamps_in(tmp_path), step("migrate")
    assert not await stamps.is_current(PROJECT, migrate)
    await done(stamps, migrate)
    assert await stamps.is_current(PROJECT, migrate)
    assert not await stamps.is_current(PROJECT, step("migrate", digest="other"))
    (tmp_path / "models.py").write_text("class Post: ...")
    assert not await stamps.is_current(PROJECT, migrate)


@scripted
async def test_a_step_whose_result_was_deleted_is_not_current(tmp_path):
    stamps, migrate = stamps_in(tmp_path), step("migrate", creates=(tmp_path / "made",))
    (tmp_path / "made").mkdir()
    await done(stamps, migrate)
    assert await stamps.is_current(PROJECT, migrate)
    (tmp_path / "made").rmdir()
    assert not await stamps.is_current(PROJECT, migrate)


@scripted
async def test_a_cleared_or_damaged_stamp_is_none(tmp_path):
    stamps, migrate = stamps_in(tmp_path), step("migrate")
    await done(stamps, migrate)
    stamps.clear("migrate")
    stamps.clear("migrate")
    assert not await stamps.is_current(PROJECT, migrate)
    (tmp_path / ".devenv/run/setup/migrate").write_bytes(b"\xff")
    assert not await stamps.is_current(PROJECT, migrate)
