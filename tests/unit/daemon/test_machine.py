from pathlib import Path

import pytest

from devenv.daemon.machine import AddressClaims
from devenv.errors import DevenvError

A, B = Path("/a"), Path("/b")


def test_a_pinned_address_is_held_by_the_first_and_the_second_is_told_who():
    claims = AddressClaims()
    claims.claim("127.0.0.1", A)
    claims.claim("127.0.0.1", A)
    with pytest.raises(DevenvError) as caught:
        claims.claim("127.0.0.1", B)
    assert caught.value.message == (
        "cannot bring `/b` up: its address 127.0.0.1 is held by the checkout `/a`"
    )
    assert caught.value.hint == ("run `devenv down` in `/a`, or remove `address` from `devenv.yml`")


def test_a_checkout_that_is_down_holds_nothing():
    claims = AddressClaims()
    claims.claim("127.0.0.1", A)
    claims.release(A)
    claims.claim("127.0.0.1", B)


def test_a_checkout_with_a_new_address_gives_up_its_old_one():
    claims = AddressClaims()
    claims.claim("127.0.0.1", A)
    claims.claim("127.0.0.2", A)
    claims.claim("127.0.0.1", B)
