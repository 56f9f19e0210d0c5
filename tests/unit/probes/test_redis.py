import pytest
from hypothesis import given
from hypothesis import strategies as st

from devenv.probes import ProbeError
from devenv.probes.redis import parse_reply


def test_pong_is_ready():
    parse_reply(b"+PONG\r\n")


def test_an_error_is_told_in_the_servers_words():
    with pytest.raises(ProbeError, match="redis says: LOADING Redis is loading the dataset"):
        parse_reply(b"-LOADING Redis is loading the dataset in memory\r\n")


@given(st.binary(max_size=60).filter(lambda line: line != b"+PONG\r\n"))
def test_anything_else_is_not_ready(line):
    with pytest.raises(ProbeError):
        parse_reply(line)
