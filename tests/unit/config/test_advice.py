"""What an unknown word most likely was meant to be."""

from __future__ import annotations

import pytest

from devenv.config.advice import SYNONYMS, WITHOUT_COUNTERPART, close_match, one_of
from devenv.config.shapes import Fields, ListOf, MapOf, Shape, Variants, project_shape
from devenv.model.spec import Process

PROCESS = tuple(Process.model_fields)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("prot", "port"),
        ("Port", "port"),
        ("need", "needs"),
        ("depends_on", "needs"),
        ("healthcheck", "ready"),
        ("command", "run"),
        ("env", "environment"),
        ("working_dir", "dir"),
        ("ports", "port"),
        ("stop-grace-period", "stop_grace_period"),
        ("zzz", None),
        ("", None),
        ("x" * 100_000, None),
    ],
)
def test_close_words_and_compose_words_are_known(word, meant):
    assert close_match(word, PROCESS) == meant


def test_a_synonym_counts_only_where_its_meaning_exists():
    assert close_match("command", ("http", "tcp")) is None


def keys(shape: Shape) -> set[str]:
    match shape:
        case Fields():
            return set(shape.fields) | {k for f in shape.fields.values() for k in keys(f.shape)}
        case MapOf():
            return keys(shape.value)
        case ListOf():
            return keys(shape.item)
        case Variants():
            return {key for fields in shape.by_type.values() for key in keys(fields)}
        case _:
            return set()


def test_every_synonym_leads_to_a_key_and_is_none():
    known = keys(project_shape())
    assert set(SYNONYMS.values()) <= known
    assert not WITHOUT_COUNTERPART.keys() & known
    assert not WITHOUT_COUNTERPART.keys() & SYNONYMS.keys()


def test_words_are_enumerated_in_their_order():
    assert one_of(("b", "a")) == "`b`, `a`"
