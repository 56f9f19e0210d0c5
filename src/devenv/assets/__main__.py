"""`python -m devenv.assets CONFIG.json`: run one simulated CDN in the foreground.

The log goes to stdout, one line each; SIGTERM ends it and its children.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

from devenv.assets.cdn import RUNTIME_FILE, Cdn
from devenv.assets.compilers import Compilers
from devenv.assets.config import CdnConfig, load
from devenv.assets.django_client import DjangoFinder
from devenv.assets.finders import DirectoryFinder, Finder
from devenv.assets.server import exit_now, serve
from devenv.errors import DevenvError


def build(config: CdnConfig) -> Cdn:
    """Return the CDN that *config* describes; nothing runs yet."""
    finder: Finder = DjangoFinder(config) if config.django else DirectoryFinder(config.dirs)
    return Cdn(finder, Compilers(config), config.compiler / RUNTIME_FILE)


async def run(config: CdnConfig) -> int:
    """Serve until told to stop."""
    return await serve(build(config), config.host, config.port)


def main(arguments: list[str]) -> int:
    """Run the CDN of the configuration named on the command line."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m devenv.assets CONFIG.json\n")
        return 2
    logging.basicConfig(
        level=logging.INFO, stream=sys.stdout, format="%(levelname)s %(message)s", force=True
    )
    try:
        return asyncio.run(run(load(Path(arguments[0]))))
    except DevenvError as error:
        sys.stderr.write(f"error: {error.message}\n\nhint: {error.hint}\n")
        return int(error.exit_code)


if __name__ == "__main__":
    exit_now(main(sys.argv[1:]))
