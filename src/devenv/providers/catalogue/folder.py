"""The job that makes an empty data folder, for servers that ask no more than that."""

from __future__ import annotations

from devenv.model.unit import Job
from devenv.providers.base import Place


def make_folder(place: Place) -> Job | None:
    """Return the job that makes the data folder, readable by nobody else; None: it is there."""
    if place.data.is_dir():
        return None
    argv = ("mkdir", "-p", "-m", "700", str(place.data))
    return Job(argv, place.run, place.environment)
