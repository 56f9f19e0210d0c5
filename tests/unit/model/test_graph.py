"""Closures and cycles, by example and against the definition."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from devenv.model.graph import closure, find_cycles

SHOP = {"db": [], "cache": [], "migrate": ["db"], "web": ["migrate", "cache"], "worker": ["cache"]}
NAMES = st.sampled_from("abcdefgh")
GRAPHS = st.dictionaries(NAMES, st.lists(NAMES, max_size=4))


def test_needs_outside_of_the_graph_are_ignored():
    assert closure(["web"], {"web": ["elsewhere"]}) == {"web"}
    assert find_cycles({"web": ["elsewhere"]}) == ()


def test_closure_holds_the_names_and_all_they_need():
    assert closure(["web"], SHOP) == {"web", "migrate", "db", "cache"}
    assert closure([], SHOP) == frozenset()


def test_a_cycle_is_closed_by_its_first_name():
    assert find_cycles({"web": ["api"], "api": ["web"]}) == (("web", "api", "web"),)
    assert find_cycles({"a": ["a"]}) == (("a", "a"),)


def test_the_way_into_a_cycle_is_no_part_of_it():
    assert find_cycles({"in": ["a"], "a": ["b"], "b": ["a"]}) == (("a", "b", "a"),)


def test_each_cycle_is_found_once():
    needs = {"a": ["b"], "b": ["a"], "c": ["d", "a"], "d": ["c"]}
    assert find_cycles(needs) == (("a", "b", "a"), ("c", "d", "c"))


def test_cycles_stop_at_the_limit():
    everyone = {str(name): [str(need) for need in range(60)] for name in range(60)}
    assert len(find_cycles(everyone, limit=7)) == 7


def test_a_long_chain_does_not_exhaust_the_stack():
    chain = {str(n): [str(n + 1)] for n in range(50_000)}
    assert find_cycles(chain) == ()
    assert len(closure(["0"], chain)) == 50_000


@given(GRAPHS)
def test_a_cycle_is_found_exactly_where_a_name_needs_itself(needs):
    cycles = find_cycles(needs)
    for cycle in cycles:
        assert cycle[0] == cycle[-1]
        assert all(after in needs[before] for before, after in pairwise(cycle))
    circular = [name for name in needs if name in closure(needs[name], needs)]
    assert bool(circular) == bool(cycles)
