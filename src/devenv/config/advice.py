"""Pure. What somebody probably meant who wrote a word that devenv does not know.

Close matches first, then words that Compose, Procfile tools and process managers have for what is
called otherwise here.
"""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from devenv.config.positions import SHOWN_CHARACTERS

SYNONYMS = {
    "apps": "processes",
    "availability": "restart",
    "cmd": "run",
    "command": "run",
    "commands": "processes",
    "cwd": "dir",
    "db": "database",
    "depends_on": "needs",
    "directory": "dir",
    "entrypoint": "run",
    "env": "environment",
    "envs": "environment",
    "health": "ready",
    "healthcheck": "ready",
    "host": "address",
    "hosts": "routes",
    "ingress": "routes",
    "init": "setup",
    "ip": "address",
    "jobs": "setup",
    "path": "http",
    "ports": "port",
    "procs": "processes",
    "project": "name",
    "proxy": "routes",
    "readiness_probe": "ready",
    "requires": "needs",
    "script": "run",
    "shutdown": "stop_grace_period",
    "steps": "setup",
    "tasks": "setup",
    "test": "exec",
    "username": "user",
    "variables": "environment",
    "vars": "environment",
    "virtualenv": "venv",
    "working_dir": "dir",
    "working_directory": "dir",
}

WITHOUT_COUNTERPART = {
    "build": "devenv builds no images: a step under `setup` may build what you need",
    "container_name": "a unit goes by its key alone",
    "deploy": "devenv runs one of each process",
    "env_file": "write the variables under `environment`, with `${NAME}` for what must stay out",
    "expose": "whatever has a `port` can be reached by the others",
    "image": "the server follows from the service's name or `type`, how it runs from `provider`",
    "networks": "every checkout has an address of its own",
    "profiles": "name what you want: `devenv up NAME...`",
    "version": "devenv.yml has no version: remove it",
    "volumes": "services keep their data in `.devenv/`",
}
"""Words that Compose has and devenv has no need for, and why."""


def close_match(word: str, known: Collection[str]) -> str | None:
    """Return the one of *known* that *word* most likely was meant to be."""
    if len(word) > SHOWN_CHARACTERS:
        return None
    synonym = SYNONYMS.get(word.lower())
    if synonym in known:
        return synonym
    matches = get_close_matches(word.lower().replace("_", "-"), known, n=1, cutoff=0.6)
    return matches[0] if matches else None


def one_of(known: Collection[str]) -> str:
    """Return the words of *known* for a sentence."""
    return ", ".join(f"`{word}`" for word in known)
