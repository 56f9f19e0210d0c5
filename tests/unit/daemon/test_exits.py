import pytest
from fakes.worlds import run, step, unit
from hypothesis import given
from hypothesis import strategies as st

from devenv.daemon.exits import judge
from devenv.model.plan import MOST_FAILURES, STEADY_S, Status
from devenv.model.spec import Restart
from devenv.model.state import Event, Phase, advance

RUNNING = Status(phase=Phase.RUNNING, ready=True, pid=1, digest="d")


@pytest.mark.parametrize(
    ("what", "code", "event", "reason"),
    [
        (step("migrate"), 0, Event.COMPLETED, ""),
        (step("migrate"), 2, Event.FAILED, "exited with 2; `devenv logs migrate` shows why"),
        (unit("web", restart=Restart.NO), 1, Event.ENDED, "exited with 1"),
        (unit("web", restart=Restart.ON_FAILURE), 0, Event.ENDED, "exited with 0"),
        (
            unit("web", restart=Restart.ON_FAILURE),
            -9,
            Event.RETRY,
            "killed by SIGKILL; starting again in 0.1 s",
        ),
        (
            unit("web", restart=Restart.ALWAYS),
            0,
            Event.RETRY,
            "exited with 0; starting again in 0.1 s",
        ),
        (None, 1, Event.ENDED, "exited with 1"),
    ],
)
def test_the_end_of_a_run_means(what, code, event, reason):
    verdict = judge(what, run("web", code=code), RUNNING, 50.0)
    assert (verdict.event, verdict.changes["reason"]) == (event, reason)


def test_giving_up_says_how_often_it_ended_and_what_to_type():
    status = Status(phase=Phase.RUNNING, failures=MOST_FAILURES - 1)
    verdict = judge(unit("web"), run("web", code=1), status, 50.0)
    assert verdict.event is Event.GAVE_UP
    assert verdict.changes["reason"] == (
        "ended 6 times in a row within 10 s, at last: exited with 1; `devenv logs web` shows why"
    )


def test_the_pause_is_counted_from_now_and_doubles():
    status = Status(phase=Phase.RUNNING, failures=2)
    assert judge(unit("web"), run("web", code=1), status, 50.0).changes["retry_at"] == 50.4


@given(
    what=st.sampled_from([None, step("s"), *(unit("u", restart=policy) for policy in Restart)]),
    code=st.integers(-64, 255),
    failures=st.integers(0, 100),
    lived_s=st.floats(0, 2 * STEADY_S),
)
def test_every_verdict_is_a_legal_transition_that_leaves_nothing_running(
    what, code, failures, lived_s
):
    status = Status(phase=Phase.RUNNING, ready=True, pid=1, digest="d", failures=failures)
    verdict = judge(what, run("u", code=code, lived_s=lived_s), status, 0.0)
    advance(Phase.RUNNING, verdict.event)
    assert (verdict.changes["pid"], verdict.changes["ready"], verdict.changes["digest"]) == (
        None,
        False,
        "",
    )
