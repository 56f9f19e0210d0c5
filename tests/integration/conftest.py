"""What several integration tests need and takes long to make."""

import pytest
from fakes.checkouts import open_home
from fakes.users import ordinary_user

from devenv.assets.install import compiler_folder, ensure_worker


@pytest.fixture(scope="session")
def compiler(tmp_path_factory):
    """The Node worker, installed as a machine has it."""
    folder = compiler_folder(tmp_path_factory.mktemp("tools"))
    ensure_worker(folder)
    return folder


@pytest.fixture
def home():
    """A user's own devenv: home, daemon and edge."""
    with open_home() as home:
        yield home


@pytest.fixture
def checkout(home):
    """An empty checkout of that user."""
    return home.checkout()


@pytest.fixture
def users(home):
    """A checkout of an ordinary user of this machine."""
    with ordinary_user(home) as checkout:
        yield checkout
