import ipaddress
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv.system.registry import Registry, derive_address, identity_of


def test_an_address_once_given_is_kept(tmp_path):
    first = Registry(tmp_path).claim(Path("/a"), "a", pinned=None)
    again = Registry(tmp_path).claim(Path("/a"), "renamed", pinned=None)
    assert first.address == again.address
    assert again.name == "renamed"


def test_two_checkouts_never_share_a_derived_address(tmp_path):
    registry = Registry(tmp_path)
    addresses = [registry.claim(Path(f"/{n}"), "x", pinned=None).address for n in range(50)]
    assert len(set(addresses)) == 50


def test_a_clash_moves_on_to_the_next_free_address():
    identity = identity_of(Path("/a"))
    first = derive_address(identity, frozenset())
    second = derive_address(identity, frozenset({first}))
    assert second != first


def test_a_pinned_address_is_given_to_whoever_asks(tmp_path):
    registry = Registry(tmp_path)
    for path in ("/a", "/b"):
        assert registry.claim(Path(path), "x", pinned="127.0.0.1").address == "127.0.0.1"


def test_a_pinned_address_is_given_up_when_the_pin_goes(tmp_path):
    registry = Registry(tmp_path)
    registry.claim(Path("/a"), "x", pinned="127.0.0.1")
    assert registry.claim(Path("/a"), "x", pinned=None).address != "127.0.0.1"


def test_a_damaged_registry_is_made_anew(tmp_path):
    before = Registry(tmp_path).claim(Path("/a"), "a", pinned=None)
    (tmp_path / "registry.json").write_text("{broken")
    assert Registry(tmp_path).claim(Path("/a"), "a", pinned=None) == before


@given(st.integers(min_value=0, max_value=16**12 - 1))
def test_derived_addresses_are_loopback_and_never_the_common_ones(number):
    address = ipaddress.IPv4Address(derive_address(f"{number:012x}", frozenset()))
    assert address.is_loopback
    assert address not in ipaddress.IPv4Network("127.0.0.0/18")
    assert int(address) & 0xFF not in {0, 255}


@pytest.mark.parametrize("address", ["127.x.0.1", "127.64", "10.64.0.1", "", 7, None])
def test_an_address_that_makes_no_sense_is_derived_anew(tmp_path, address):
    registry = Registry(tmp_path)
    before = registry.claim(Path("/a"), "a", pinned=None)
    body = json.loads((tmp_path / "registry.json").read_text())
    body[identity_of(Path("/a"))]["address"] = address
    (tmp_path / "registry.json").write_text(json.dumps(body))
    assert registry.claim(Path("/a"), "a", pinned=None) == before
