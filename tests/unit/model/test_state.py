import itertools

import pytest

from devenv.model.state import (
    BROKEN,
    LIVE,
    TRANSITIONS,
    Event,
    IllegalTransitionError,
    Phase,
    advance,
)


@pytest.mark.parametrize(("pair", "after"), TRANSITIONS.items())
def test_a_pair_in_the_table_advances_to_its_phase(pair, after):
    assert after == advance(*pair)


@pytest.mark.parametrize(
    "pair", [pair for pair in itertools.product(Phase, Event) if pair not in TRANSITIONS]
)
def test_every_other_pair_is_refused(pair):
    with pytest.raises(IllegalTransitionError):
        advance(*pair)


def test_every_phase_can_be_left_and_reached():
    assert {before for before, _ in TRANSITIONS} == set(Phase)
    assert set(TRANSITIONS.values()) == set(Phase)


def test_a_broken_unit_does_not_live():
    assert not BROKEN & LIVE


def test_nothing_that_may_run_counts_as_stopped():
    """Otherwise a second server could be started on the same data."""
    starts = {phase for (phase, event) in TRANSITIONS if event is Event.START}
    assert not starts & (LIVE - {Phase.PREPARING})
