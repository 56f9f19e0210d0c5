"""What several integration tests need and takes long to make."""

import pytest

from devenv.assets.install import compiler_folder, ensure_worker


@pytest.fixture(scope="session")
def compiler(tmp_path_factory):
    """The Node worker, installed as a machine has it."""
    folder = compiler_folder(tmp_path_factory.mktemp("tools"))
    ensure_worker(folder)
    return folder
