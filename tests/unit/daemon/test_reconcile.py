import pytest
from fakes.clock import settle
from fakes.worlds import PROBE, FakeProvider, World, run, scripted, step, unit

from devenv.errors import DevenvError
from devenv.model.plan import MOST_FAILURES, STEADY_S
from devenv.model.spec import Restart
from devenv.model.state import Event, Phase
from devenv.providers.native import PREPARE


@pytest.fixture
def world_of(monkeypatch):
    def make(*units, wanted=None):
        return World(monkeypatch, *units, wanted=wanted)

    return make


# -- coming up ------------------------------------------------------------------------------


@scripted
async def test_a_unit_starts_only_when_what_it_needs_is_ready(world_of):
    async with world_of(unit("db", probe=PROBE), unit("web", "db")) as world:
        assert world.calls() == ["start db"]
        assert world.store["db"].reason == "not ready yet: connection refused"
        assert world.phase("web") is Phase.WAITING
        await world.ready("db")
        assert world.calls() == ["start web"]
        assert world.store["web"].ready


@scripted
async def test_a_service_is_prepared_before_it_starts(world_of):
    world = world_of(unit("db"))
    world.provider.unprepared = {"db"}
    async with world:
        assert world.phase("db") is Phase.PREPARING
        await world.tell(run("db", 9, stage=PREPARE, code=0))
        assert world.calls() == ["prepare db", "start db"]
        assert world.phase("db") is Phase.RUNNING


@scripted
async def test_a_preparation_that_fails_fails_the_unit(world_of):
    world = world_of(unit("db"))
    world.provider.unprepared = {"db"}
    async with world:
        await world.tell(run("db", 9, stage=PREPARE, code=100))
        assert (world.phase("db"), world.calls()) == (Phase.FAILED, ["prepare db"])
        assert world.store["db"].reason == "cannot prepare `db`: exited with 100"


@scripted
async def test_an_exit_that_overtakes_the_answer_to_start_is_not_lost(world_of):
    async with world_of(unit("web"), wanted=[]) as world:
        world.reconciler.want(["web"])
        await world.until(lambda: world.phase("web") is Phase.STARTING)
        await world.tell(run("web", 1, code=1))
        assert world.phase("web") is Phase.BACKOFF


@scripted
async def test_what_cannot_start_fails_with_its_reason_and_the_others_go_on(world_of):
    world = world_of(unit("bad"), unit("good"), unit("web", "bad"))
    world.provider.errors["bad"] = DevenvError("cannot start `bad`: no program", hint="install it")
    async with world:
        assert world.phase("bad") is Phase.FAILED
        assert world.store["bad"].reason == "cannot start `bad`: no program; install it"
        assert world.store["good"].ready
        assert world.phase("web") is Phase.WAITING


@scripted
async def test_a_full_disk_fails_the_unit_and_not_the_daemon(world_of):
    world = world_of(unit("web"))
    world.provider.errors["web"] = OSError(28, "No space left on device", "/x/.devenv/run")
    async with world:
        assert world.phase("web") is Phase.FAILED
        assert world.store["web"].reason == (
            "cannot start `web`: cannot write `/x/.devenv/run`: No space left on device; "
            "free some space on that disk, then `devenv up`"
        )


@scripted
async def test_a_shim_that_does_not_answer_is_hung_up_on_and_asked_again(world_of):
    """A time-out is not death: the run may have been started all the same."""
    world = world_of(unit("web"))
    world.provider.errors["web"] = TimeoutError()
    async with world:
        assert world.calls()[:2] == ["start web", "hang up"]
        await world.lose_shim([run("web", 77)])
        assert (world.phase("web"), world.store["web"].pid) == (Phase.RUNNING, 77)
        assert world.calls() == []


# -- set-up steps ---------------------------------------------------------------------------


@scripted
async def test_a_step_runs_once_and_its_dependents_wait_for_it(world_of):
    async with world_of(step("migrate"), unit("web", "migrate")) as world:
        assert world.calls() == ["start migrate"]
        await world.ends("migrate")
        assert world.stamps.done == {"migrate": "d/1"}
        assert world.phase("migrate") is Phase.DONE
        assert world.calls() == ["start web"]


@scripted
async def test_a_step_that_is_up_to_date_runs_nothing(world_of):
    world = world_of(step("migrate"))
    world.stamps.done["migrate"] = "d/1"
    async with world:
        assert world.calls() == []
        assert world.phase("migrate") is Phase.DONE


@scripted
async def test_a_step_that_fails_is_not_tried_again_and_holds_its_dependents(world_of):
    async with world_of(step("migrate"), unit("web", "migrate")) as world:
        await world.ends("migrate", 3)
        assert world.phase("migrate") is Phase.FAILED
        assert world.store["migrate"].reason == "exited with 3; `devenv logs migrate` shows why"
        await world.passes(60)
        assert world.calls() == ["start migrate"]
        world.reconciler.retry("migrate")
        await settle()
        assert world.calls() == ["start migrate"]


@scripted
async def test_a_step_whose_end_cannot_be_noted_has_failed(world_of):
    async with world_of(step("migrate")) as world:
        world.stamps.error = OSError(28, "No space left on device")
        await world.ends("migrate")
        assert world.phase("migrate") is Phase.FAILED
        assert world.store["migrate"].reason.startswith("cannot note that it is done: No space")


@scripted
async def test_restarting_a_step_does_it_anew(world_of):
    async with world_of(step("migrate")) as world:
        await world.ends("migrate")
        world.calls()
        world.reconciler.restart("migrate")
        await settle()
        assert world.calls() == ["start migrate"]


# -- ends and restarts ----------------------------------------------------------------------


@scripted
async def test_a_crash_loop_backs_off_and_gives_up(world_of):
    async with world_of(unit("web")) as world:
        for restarts in range(1, MOST_FAILURES):
            await world.ends("web", 1)
            assert world.phase("web") is Phase.BACKOFF
            await world.passes(10)
            assert (world.phase("web"), world.store["web"].restarts) == (Phase.RUNNING, restarts)
        await world.ends("web", 1)
        assert world.phase("web") is Phase.CRASHED
        assert world.calls() == ["start web"] * MOST_FAILURES
        await world.passes(3600)
        assert world.calls() == []
        world.reconciler.restart("web")
        await settle()
        assert (world.phase("web"), world.store["web"].failures) == (Phase.RUNNING, 0)


@scripted
async def test_nothing_starts_again_before_its_pause_is_over(world_of):
    async with world_of(unit("web")) as world:
        await world.ends("web", 1)
        world.calls()
        world.reconciler.wake()
        await settle()
        assert world.calls() == []
        await world.passes(0.1)
        assert world.calls() == ["start web"]


@scripted
async def test_a_unit_that_lived_long_begins_to_count_anew(world_of):
    async with world_of(unit("web")) as world:
        for _ in range(3 * MOST_FAILURES):
            await world.ends("web", -9, lived_s=STEADY_S)
            await world.passes(10)
        assert world.phase("web") is Phase.RUNNING


@scripted
async def test_a_unit_that_may_end_stays_ended_until_it_is_asked_for_again(world_of):
    async with world_of(unit("once")) as world:
        await world.ends("once", 0)
        await world.passes(60)
        assert (world.phase("once"), world.store["once"].ended) == (Phase.STOPPED, True)
        world.calls()
        world.reconciler.retry("once")
        await settle()
        assert world.calls() == ["start once"]


@scripted
async def test_a_restart_stops_and_starts_and_leaves_dependents_alone(world_of):
    async with world_of(unit("db"), unit("web", "db")) as world:
        world.calls()
        world.reconciler.restart("db")
        await settle()
        assert world.phase("db") is Phase.STOPPING
        await world.ends("db", -15, reason="restart asked for")
        assert world.calls() == ["stop db: restart asked for", "start db"]
        assert world.store["db"].restarts == 0


@scripted
async def test_an_exit_of_a_former_run_is_ignored(world_of):
    async with world_of(unit("web")) as world:
        await world.tell(run("web", 999, code=1))
        assert world.phase("web") is Phase.RUNNING


@scripted
async def test_readiness_is_lost_with_the_run_and_won_by_the_next(world_of):
    async with world_of(unit("db", probe=PROBE)) as world:
        await world.ready("db")
        await world.ends("db", -9)
        assert not world.store["db"].ready
        await world.passes(1)
        assert world.store["db"].ready


# -- stopping -------------------------------------------------------------------------------


@scripted
async def test_dependents_stop_before_what_they_need(world_of):
    async with world_of(unit("db"), unit("web", "db")) as world:
        world.calls()
        await world.want()
        assert world.calls() == ["stop web: not wanted any more"]
        await world.ends("web", -15)
        assert world.calls() == ["stop db: not wanted any more"]
        await world.ends("db", -15)
        assert world.phase("db") is world.phase("web") is Phase.STOPPED
        assert world.store["db"].pid is None


@scripted
async def test_a_preparation_is_broken_off_by_a_stop(world_of):
    world = world_of(unit("db"))
    world.provider.unprepared = {"db"}
    async with world:
        await world.want()
        assert world.calls() == ["prepare db", "stop db: not wanted any more"]
        assert world.phase("db") is Phase.STOPPING
        await world.tell(run("db", 9, stage=PREPARE, code=-15))
        assert (world.phase("db"), world.store["db"].busy) == (Phase.STOPPED, False)
        assert world.calls() == []


@scripted
async def test_a_stop_while_starting_waits_for_the_start(world_of):
    async with world_of(unit("web"), wanted=[]) as world:
        world.reconciler.want(["web"])
        await world.until(lambda: world.phase("web") is Phase.STARTING)
        await world.want()
        assert world.calls() == ["start web", "stop web: not wanted any more"]
        await world.ends("web", -15)
        assert world.phase("web") is Phase.STOPPED


@scripted
async def test_what_waits_to_start_again_is_stopped_at_once(world_of):
    async with world_of(unit("web")) as world:
        await world.ends("web", 1)
        await world.want()
        assert (world.phase("web"), world.store["web"].reason) == (Phase.STOPPED, "")


# -- redefinition ---------------------------------------------------------------------------


@scripted
async def test_a_changed_definition_replaces_what_runs(world_of):
    async with world_of(unit("web")) as world:
        world.calls()
        world.define(unit("web", digest="new"))
        await settle()
        assert world.calls() == ["stop web: its definition changed"]
        await world.ends("web", -15)
        assert world.calls() == ["start web"]
        assert world.store["web"].digest == "new"


@scripted
async def test_what_is_not_defined_any_more_is_stopped_and_forgotten(world_of):
    async with world_of(unit("web"), unit("old")) as world:
        world.calls()
        world.define(unit("web"))
        await settle()
        assert world.calls() == ["stop old: not in devenv.yml any more"]
        await world.ends("old", -15)
        assert world.phase("old") is Phase.STOPPED
        world.define(unit("web"))
        assert list(world.store) == ["web"]


@scripted
async def test_an_undefined_unit_that_ends_by_itself_is_not_started_again(world_of):
    async with world_of(unit("web"), unit("old", restart=Restart.ALWAYS)) as world:
        pid = world.store["old"].pid
        world.reconciler.units.pop("old")
        await world.tell(run("old", pid, code=1))
        assert world.phase("old") is Phase.STOPPED


@scripted
async def test_a_second_up_does_not_break_off_what_the_first_prepares(world_of):
    world = world_of(unit("db"))
    world.provider.unprepared = {"db"}
    async with world:
        world.reconciler.connect(FakeProvider())
        await world.tell(run("db", 9, stage=PREPARE, code=0))
        assert world.phase("db") is Phase.RUNNING
        assert world.calls() == ["prepare db", "start db"]


# -- the shim: adopted, lost, found again ----------------------------------------------------


async def adopted(world, *runs):
    await world.reconciler.adopt({each.name: each for each in runs})
    return world


@scripted
async def test_what_runs_is_adopted_and_not_started_again(world_of):
    world = await adopted(world_of(unit("db", probe=PROBE)), run("db", 42))
    async with world:
        assert (world.phase("db"), world.store["db"].pid) == (Phase.RUNNING, 42)
        await world.ready("db")
        assert world.calls() == []
        assert world.store["db"].ready


@scripted
async def test_an_adopted_unit_with_another_digest_is_replaced(world_of):
    world = await adopted(world_of(unit("web")), run("web", 42, digest="old"))
    async with world:
        assert world.calls() == ["stop web: its definition changed"]


@scripted
async def test_a_step_that_finished_while_no_daemon_lived_is_done(world_of):
    world = await adopted(world_of(step("migrate")), run("migrate", 42, digest="d/1", code=0))
    async with world:
        assert world.stamps.done == {"migrate": "d/1"}
        assert (world.phase("migrate"), world.calls()) == (Phase.DONE, [])


@scripted
async def test_a_step_that_still_runs_is_adopted_with_the_inputs_it_was_started_with(world_of):
    world = await adopted(world_of(step("migrate")), run("migrate", 42, digest="d/1"))
    async with world:
        world.stamps.inputs = "2"
        await world.tell(run("migrate", 42, digest="d/1", code=0))
        assert world.stamps.done == {"migrate": "d/1"}


@scripted
async def test_what_ended_for_good_while_no_daemon_lived_stays_ended(world_of):
    world = await adopted(world_of(unit("once")), run("once", 42, code=0))
    async with world:
        assert (world.store["once"].ended, world.calls()) == (True, [])


@scripted
async def test_what_was_stopped_on_purpose_is_not_taken_for_ended(world_of):
    ended = run("web", 42, code=0, reason="restart asked for")
    world = await adopted(world_of(unit("web")), ended)
    async with world:
        assert world.calls() == ["start web"]


@scripted
async def test_a_preparation_under_way_is_adopted_and_then_done_again(world_of):
    world = await adopted(world_of(unit("db")), run("db", 42, stage=PREPARE))
    world.provider.unprepared = {"db"}
    async with world:
        assert world.phase("db") is Phase.PREPARING
        assert world.calls() == []
        await world.tell(run("db", 42, stage=PREPARE, code=0))
        assert world.calls() == ["prepare db"]


@scripted
async def test_an_adopted_preparation_is_stopped_and_lost_without_getting_stuck(world_of):
    world = await adopted(world_of(unit("db"), wanted=[]), run("db", 42, stage=PREPARE))
    async with world:
        assert world.calls() == ["stop db: not wanted any more"]
        await world.lose_shim()
        assert (world.phase("db"), world.store["db"].busy) == (Phase.STOPPED, False)


@scripted
async def test_an_exit_told_twice_counts_once(world_of):
    """Who subscribes and then lists hears of an exit in between both ways."""
    world = await adopted(world_of(unit("web")), ended := run("web", 42, code=1))
    async with world:
        await world.passes(1)
        assert world.phase("web") is Phase.RUNNING
        await world.tell(ended)
        assert (world.phase("web"), world.store["web"].restarts) == (Phase.RUNNING, 1)


@scripted
async def test_with_its_shim_everything_is_lost_and_started_again(world_of):
    units = (unit("db"), unit("web", "db"), step("migrate", "db"), unit("late", "migrate"))
    async with world_of(*units) as world:
        await world.lose_shim()
        assert world.calls() == ["start db", "start web", "start migrate"]
        assert world.store["db"].restarts == 1
        assert world.store["migrate"].restarts == 0


@scripted
async def test_a_shim_lost_while_a_unit_starts_or_is_prepared_begins_again(world_of):
    world = world_of(unit("db"), unit("web"))
    world.provider.unprepared = {"db"}
    world.provider.errors["web"] = ConnectionResetError()
    async with world:
        await world.lose_shim()
        assert sorted(world.calls()) == ["start db", "start web"]
        assert world.store["db"].ready
        assert world.store["web"].ready


@scripted
async def test_a_shim_lost_while_a_unit_stops_has_stopped_it(world_of):
    async with world_of(unit("web")) as world:
        await world.want()
        await world.lose_shim()
        assert (world.phase("web"), world.calls()) == (Phase.STOPPED, [])


@scripted
async def test_a_connection_that_broke_costs_nothing_that_runs(world_of):
    async with world_of(unit("web"), unit("ended")) as world:
        alive, ended = (world.provider.running[name] for name in ("web", "ended"))
        await world.lose_shim([alive, run("ended", ended.pid, code=0)])
        assert world.calls() == []
        assert world.store["web"].ready
        assert world.store["ended"].ended


@scripted
async def test_a_shim_lost_between_the_plan_and_its_first_step_ends_nothing(world_of):
    async with world_of(unit("web"), wanted=[]) as world:
        world.reconciler.want(["web"])
        await world.until(lambda: world.store["web"].busy)
        world.reconciler.connect(None)
        await settle()
        assert world.phase("web") is Phase.RUNNING


@scripted
async def test_a_lost_step_whose_result_is_there_is_done(world_of):
    async with world_of(step("migrate"), wanted=[]) as world:
        world.store.update("migrate", phase=Phase.STARTING)
        world.store.happen("migrate", Event.RETRY)
        world.stamps.done["migrate"] = "d/1"
        await world.want("migrate")
        assert world.phase("migrate") is Phase.DONE
