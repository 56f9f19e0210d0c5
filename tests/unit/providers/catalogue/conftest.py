import pytest
from fakes.programs import make_application, make_program

from devenv.model.unit import Endpoint
from devenv.providers.base import Place
from devenv.providers.catalogue import programs


@pytest.fixture
def bin_folder(tmp_path, monkeypatch):
    """The only folder in which programs are found."""
    monkeypatch.setattr(programs, "SERVER_FOLDERS", ())
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


@pytest.fixture
def place(tmp_path, bin_folder):
    """A place in a checkout with an awkward name, not yet initialised."""
    checkout = tmp_path / "pro jekt ü"
    run = checkout / "run"
    run.mkdir(parents=True)
    environment = {"PATH": str(bin_folder), "HOME": "/home/sue", "LANG": "C.UTF-8"}
    return Place(Endpoint("127.84.1.2", 7000), checkout / "data", run, environment)


@pytest.fixture
def rabbitmq_home(tmp_path, bin_folder):
    """RabbitMQ as Debian installs it: a wrapper, and beside it a link to the real command."""
    home = tmp_path / "lib" / "rabbitmq_server-3.10.8"
    make_program(home / "sbin", "rabbitmq-server")
    wrapper = make_program(tmp_path / "lib" / "bin", "rabbitmq-script-wrapper")
    wrapper.with_name("rabbitmq-server").symlink_to(home / "sbin" / "rabbitmq-server")
    (bin_folder / "rabbitmq-server").symlink_to(wrapper)
    make_program(bin_folder, "erl")
    plugins = home / "plugins"
    make_application(plugins, "rabbit", "3.10.8", "{applications, [kernel, ra, ssl]}")
    make_application(plugins, "ra", "2.2.0", "{applications, [kernel, stdlib]}")
    make_application(plugins, "cuttlefish", "3.0.1", "{applications, [kernel]}")
    make_application(plugins, "rabbitmq_mqtt", "3.10.8", "{applications, [rabbit]}")
    (plugins / "README").write_text("no application")
    return home
