"""The machine's registry: which checkout has which loopback address.

A checkout's identity is derived from its canonical path, its address from its identity; the
registry settles the rare clash and keeps an address once given. It is one small JSON file,
replaced by rename under a lock. Whatever cannot be read in it is derived anew: nothing that a
user made is kept here.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from devenv.system.files import replace_file
from devenv.system.folders import private_folder

FIRST_OCTETS = range(64, 127)
"""127.64.0.0 to 127.126.255.255: clear of 127.0.0.1 and of what resolvers use (127.0.0.53)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One checkout as the registry knows it."""

    path: str
    address: str
    name: str


def identity_of(root: Path) -> str:
    """Return the identity of the checkout at the canonical path *root*: 12 hexadecimal digits."""
    return hashlib.sha256(os.fsencode(root)).hexdigest()[:12]


def derive_address(identity: str, taken: frozenset[str]) -> str:
    """Return the first free loopback address that the identity leads to."""
    seed = int(identity, 16)
    for attempt in range(len(FIRST_OCTETS) * 256 * 254):
        number = seed + attempt
        number, last = divmod(number, 254)
        number, third = divmod(number, 256)
        second = FIRST_OCTETS[number % len(FIRST_OCTETS)]
        address = f"127.{second}.{third}.{last + 1}"
        if address not in taken:
            return address
    raise AssertionError("a machine with four million checkouts")


class Registry:
    """The file and its lock; safe for several daemons at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "registry.json"

    def entries(self) -> Mapping[str, Entry]:
        """Return identity -> entry; what cannot be read counts as absent."""
        try:
            raw = json.loads(self._file.read_bytes())
            return {str(identity): _entry(body) for identity, body in raw.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def claim(self, root: Path, name: str, *, pinned: str | None) -> Entry:
        """Return the checkout's entry, made or brought up to date.

        A *pinned* address is the user's own and may be shared: only one such checkout can be up.
        """
        identity = identity_of(root)
        with self._locked():
            entries = dict(self.entries())
            old = entries.get(identity)
            taken = frozenset(entry.address for key, entry in entries.items() if key != identity)
            if pinned is not None:
                address = pinned
            elif old is not None and old.address not in taken and _is_ours(old.address):
                address = old.address
            else:
                address = derive_address(identity, taken)
            entry = Entry(path=str(root), address=address, name=name)
            if entry != old:
                entries[identity] = entry
                self._write(entries)
            return entry

    def _write(self, entries: Mapping[str, Entry]) -> None:
        body = {identity: asdict(entry) for identity, entry in sorted(entries.items())}
        replace_file(self._file, json.dumps(body, indent=1).encode() + b"\n", mode=0o600)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        private_folder(self._folder)
        with (self._folder / "registry.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _entry(body: dict[str, object]) -> Entry:
    return Entry(**{name: str(value) for name, value in body.items()})


def _is_ours(address: str) -> bool:
    octets = address.split(".")
    if len(octets) != 4 or octets[0] != "127" or not all(map(str.isdecimal, octets)):
        return False
    return int(octets[1]) in FIRST_OCTETS
