from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv.model.plan import (
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    Desired,
    Start,
    Status,
    Stop,
    Want,
    blockers,
    pause_s,
    plan,
    satisfied,
    should_restart,
)
from devenv.model.spec import Restart
from devenv.model.state import LIVE, Phase
from devenv.model.unit import Job, Kind, Unit

JOB = Job(("true",), Path("/"))


def unit(name, *needs, kind=Kind.PROCESS, digest="d"):
    return Unit(name=name, kind=kind, digest=digest, needs=needs, job=JOB)


def wanted(*units):
    return {each.name: Desired(each, wanted=True) for each in units}


def unwanted(*units):
    return {each.name: Desired(each, wanted=False) for each in units}


RUNNING = Status(phase=Phase.RUNNING, ready=True, digest="d", pid=1)
WAITING = Status(phase=Phase.WAITING)
DONE = Status(phase=Phase.DONE)


def test_a_wanted_unit_first_waits():
    assert plan(wanted(unit("web")), {}, 0).actions == (Want("web"),)


def test_everything_that_needs_nothing_starts_at_once():
    units = wanted(unit("mysql"), unit("redis"))
    observed = {"mysql": WAITING, "redis": WAITING}
    assert plan(units, observed, 0).actions == (Start("mysql"), Start("redis"))


def test_a_unit_starts_when_its_needs_are_ready_while_others_still_boot():
    units = wanted(unit("mysql"), unit("rabbitmq"), unit("web", "mysql"))
    observed = {
        "mysql": RUNNING,
        "rabbitmq": Status(phase=Phase.RUNNING, digest="d"),
        "web": WAITING,
    }
    assert plan(units, observed, 0).actions == (Start("web"),)


def test_a_unit_waits_for_a_need_that_runs_but_is_not_ready():
    units = wanted(unit("mysql"), unit("web", "mysql"))
    observed = {"mysql": Status(phase=Phase.RUNNING, digest="d"), "web": WAITING}
    assert plan(units, observed, 0).actions == ()
    assert blockers("web", units, observed) == ("mysql",)


def test_a_done_step_satisfies_and_a_running_one_does_not():
    step = unit("migrate", kind=Kind.SETUP)
    assert satisfied(step, DONE)
    assert not satisfied(step, RUNNING)


def test_a_changed_definition_stops_what_runs():
    units = wanted(unit("web", digest="new"))
    assert plan(units, {"web": RUNNING}, 0).actions == (Stop("web", "its definition changed"),)


def test_a_running_step_is_left_to_finish_although_its_definition_changed():
    units = wanted(unit("migrate", kind=Kind.SETUP, digest="new"))
    assert plan(units, {"migrate": RUNNING}, 0).actions == ()


def test_dependents_stop_before_what_they_need():
    units = unwanted(unit("mysql"), unit("web", "mysql"))
    observed = {"mysql": RUNNING, "web": RUNNING}
    assert [action.name for action in plan(units, observed, 0).actions] == ["web"]
    observed["web"] = Status(phase=Phase.STOPPED)
    assert [action.name for action in plan(units, observed, 0).actions] == ["mysql"]


def test_a_unit_stopped_alone_does_not_wait_for_dependents_that_stay():
    units = unwanted(unit("mysql")) | wanted(unit("web", "mysql"))
    observed = {"mysql": RUNNING, "web": RUNNING}
    assert [action.name for action in plan(units, observed, 0).actions] == ["mysql"]


def test_what_is_in_no_definition_is_stopped():
    assert plan({}, {"old": RUNNING}, 0).actions == (Stop("old", "not in devenv.yml any more"),)


def test_nothing_happens_to_a_unit_with_an_action_under_way():
    busy = Status(phase=Phase.STARTING, busy=True)
    assert plan(wanted(unit("web")), {"web": busy}, 0).actions == ()
    assert plan(unwanted(unit("web")), {"web": busy}, 0).actions == ()


def test_an_installation_may_be_broken_off():
    preparing = Status(phase=Phase.PREPARING, busy=True)
    assert plan(unwanted(unit("mysql")), {"mysql": preparing}, 0).actions == (
        Stop("mysql", "not wanted any more"),
    )


def test_back_off_waits_for_its_time_and_says_when():
    units = wanted(unit("web"))
    observed = {"web": Status(phase=Phase.BACKOFF, retry_at=10.0)}
    early = plan(units, observed, 9.0)
    assert (early.actions, early.look_again_at) == ((), 10.0)
    assert plan(units, observed, 10.0).actions == (Start("web"),)


def test_what_ended_by_its_policy_and_what_is_broken_is_left_alone():
    units = wanted(unit("once"), unit("bad"))
    observed = {"once": Status(ended=True), "bad": Status(phase=Phase.CRASHED)}
    assert plan(units, observed, 0).actions == ()


@pytest.mark.parametrize(
    ("policy", "code", "expected"),
    [
        (Restart.NO, 1, False),
        (Restart.ON_FAILURE, 0, False),
        (Restart.ON_FAILURE, 1, True),
        (Restart.ON_FAILURE, -9, True),
        (Restart.ALWAYS, 0, True),
    ],
)
def test_restart_policies_mean_what_compose_means(policy, code, expected):
    assert expected == should_restart(policy, code)


@given(st.integers(min_value=1, max_value=5000))
def test_pauses_grow_up_to_a_bound(failures):
    assert FIRST_PAUSE_S <= pause_s(failures) <= pause_s(failures + 1) <= LONGEST_PAUSE_S


NAMES = ("a", "b", "c", "d")


@st.composite
def situations(draw):
    """Any graph without cycles, any wishes, any phases."""
    desired, observed = {}, {}
    for index, name in enumerate(NAMES):
        needs = draw(st.lists(st.sampled_from(NAMES[:index] or ("none",)), unique=True))
        each = unit(name, *[need for need in needs if need != "none"])
        desired[name] = Desired(each, wanted=draw(st.booleans()))
        observed[name] = Status(
            phase=draw(st.sampled_from(Phase)),
            ready=draw(st.booleans()),
            busy=draw(st.booleans()),
            digest=draw(st.sampled_from(["d", "other"])),
        )
    return desired, observed


@given(situations())
def test_whatever_the_situation_nothing_is_started_twice_or_without_its_needs(situation):
    desired, observed = situation
    for action in plan(desired, observed, 0).actions:
        status = observed[action.name]
        if isinstance(action, Start):
            assert desired[action.name].wanted
            assert not status.busy
            assert status.phase not in LIVE
            if status.phase is Phase.WAITING:
                assert not blockers(action.name, desired, observed)
        if isinstance(action, Stop) and not desired[action.name].wanted:
            assert not any(
                observed[name].phase in LIVE and action.name in wish.unit.needs
                for name, wish in desired.items()
                if not wish.wanted
            )
