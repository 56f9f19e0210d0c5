"""Programs that only have to be there."""

from pathlib import Path


def make_program(folder: Path, name: str) -> Path:
    """Return an executable file of that name."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return program


def make_application(plugins: Path, name: str, version: str, text: str) -> Path:
    """Return the folder of an Erlang application whose `.app` file holds *text*."""
    ebin = plugins / f"{name}-{version}" / "ebin"
    ebin.mkdir(parents=True)
    (ebin / f"{name}.app").write_text(text)
    return ebin.parent
