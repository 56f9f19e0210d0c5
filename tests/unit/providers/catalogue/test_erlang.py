import pytest
from fakes.programs import make_program
from hypothesis import given
from hypothesis import strategies as st

from devenv.errors import DevenvError
from devenv.providers.catalogue import erlang

APP = """\
{application, 'rabbit', [
    {modules, ['a','b']},
    {applications, [kernel,stdlib,
                    rabbit_common, ra]},
    {included_applications,[mnesia]},
    {env, [{tcp_listeners, [5672]}]}
]}.
"""


def test_the_needed_applications_are_read():
    needed = {"kernel", "stdlib", "rabbit_common", "ra", "mnesia"}

    assert erlang.parse_applications(APP) == needed


@given(st.text())
def test_no_text_breaks_the_reader(text):
    assert isinstance(erlang.parse_applications(text), frozenset)


def test_needs_of_needs_are_needed_and_circles_end():
    needs = {"a": frozenset("b"), "b": frozenset("ca"), "x": frozenset("y")}

    assert erlang.close_over(["a"], needs) == {"a", "b", "c"}


def test_the_home_is_found_behind_debians_wrapper(rabbitmq_home, bin_folder):
    assert erlang.find_home(str(bin_folder)) == rabbitmq_home


def test_the_home_is_found_where_the_command_is_the_real_one(rabbitmq_home):
    assert erlang.find_home(str(rabbitmq_home / "sbin")) == rabbitmq_home


def test_a_command_without_plugins_has_no_home(bin_folder):
    make_program(bin_folder, "rabbitmq-server")

    assert erlang.find_home(str(bin_folder)) is None


def test_only_what_the_server_needs_is_named(rabbitmq_home):
    applications = erlang.server_applications(rabbitmq_home)

    folders = [folder.name for folder in applications.folders]
    assert folders == ["cuttlefish-3.0.1", "ra-2.2.0", "rabbit-3.10.8"]
    assert applications.names == ("cuttlefish", "kernel", "ra", "rabbit", "ssl", "stdlib")


def test_an_installation_without_its_server_is_told(tmp_path):
    (tmp_path / "plugins").mkdir()

    with pytest.raises(DevenvError) as caught:
        erlang.server_applications(tmp_path)

    assert caught.value.code == "program.broken"


def test_modules_are_loaded_by_application():
    assert "Name <- [ra,rabbit]" in erlang.render_preload(["rabbit", "ra"])
