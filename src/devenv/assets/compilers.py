"""Sources to what a browser takes: LESS to CSS, Mustache to AMD modules.

`Kind` says which URL is made from which source. The work is done by one warm Node worker
(`proxy/compiler/worker.js`), one source at a time; it has a time limit, and is replaced when it
hangs or dies. An output is served again only while all that it was made from is unchanged, whoever
asks and however often the CDN was restarted.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from weakref import WeakValueDictionary

from devenv.assets.cache import Failure, Output, OutputCache
from devenv.assets.config import CdnConfig
from devenv.assets.inputs import Input
from devenv.assets.pipes import ChildLost, Command, JsonChild
from devenv.assets.turns import Turns

HEAP_MIB = 512
"""Limit of the worker's heap; it dies and is replaced rather than taking the machine with it."""

log = logging.getLogger("devenv.assets")


@dataclass(frozen=True, slots=True)
class Kind:
    """Names that end in `asset` are compiled from names that end in `source`."""

    asset: str
    source: str
    language: str
    """The worker's word for it."""

    def source_of(self, name: str) -> str:
        """Return the name of the source of the asset *name*."""
        return name.removesuffix(self.asset) + self.source


KINDS = (
    Kind(".css", ".less", "less"),
    Kind(".template.js", ".template.mustache", "mustache"),
)


def kind_of(name: str) -> Kind | None:
    """Return how an asset of this name would be compiled, or None."""
    return next((kind for kind in KINDS if name.endswith(kind.asset)), None)


class Compilers:
    """Compiles each source once for as long as nothing that it is made of changes."""

    def __init__(self, config: CdnConfig) -> None:
        self._command = Command(
            title="the compiler",
            argv=(
                config.node,
                f"--max-old-space-size={HEAP_MIB}",
                str(config.compiler / "worker.js"),
            ),
            cwd=config.compiler,
            environment=config.environment,
            hint=f"install it with `python -m devenv.assets.install {config.compiler}`",
        )
        self._timeout_s = config.compile_timeout_s
        self._version = config.compiler.name
        self._cache = OutputCache(config.cache)
        self._sources: WeakValueDictionary[str, Turns] = WeakValueDictionary()
        self._worker_lock = asyncio.Lock()
        self._worker: JsonChild | None = None

    async def compile(self, kind: Kind, source: str) -> Output:
        """Return the output of *source*, which is not older than this call.

        Raises:
            DevenvError: the worker cannot be started, died or hung. A fault of the source is not
                raised: it is the output's `failure`.
        """
        key = f"{self._version} {kind.language} {source}"
        if output := self._cache.fresh(key):
            return output
        turns = self._sources.setdefault(key, Turns())
        async with turns.take():
            # Somebody may just have compiled it, from files no older than this request.
            if output := self._cache.fresh(key):
                return output
            return await self._compile(key, kind, source)

    async def ready(self) -> None:
        """Return once the worker answers."""
        async with self._worker_lock:
            await self._current()

    async def close(self) -> None:
        """End the worker; a compile that runs ends with `ChildLost`."""
        if self._worker is not None:
            await self._worker.stop()

    async def _compile(self, key: str, kind: Kind, source: str) -> Output:
        began = time.monotonic()
        async with self._worker_lock:
            worker = await self._current()
            try:
                answer = await worker.ask(
                    {"kind": kind.language, "file": source}, timeout_s=self._timeout_s
                )
            except ChildLost as error:
                raise ChildLost(
                    f"cannot compile `{source}`: {error.message}", hint=error.hint, code=error.code
                ) from error
        failure = answer.get("error")
        output = Output(
            tuple(Input.from_json(raw) for raw in answer["inputs"]),
            answer.get("output", "").encode(),
            tuple(answer.get("warnings", ())),
            Failure.from_json(failure) if failure else None,
        )
        _report(source, output, took_s=time.monotonic() - began)
        try:
            await asyncio.to_thread(self._cache.store, key, output)
        except OSError as error:
            log.warning("cannot keep the output of %s: %s", source, error)
        return output

    async def _current(self) -> JsonChild:
        """Return a worker that runs."""
        if self._worker is None or not self._worker.alive:
            self._worker = await JsonChild.start(self._command)
        return self._worker


def _report(source: str, output: Output, *, took_s: float) -> None:
    """Log what came of a compile, in one line each."""
    for warning in output.warnings:
        log.warning("%s: %s", source, " ".join(warning.split()))
    if output.failure is not None:
        log.error("%s: %s", output.failure.place, " ".join(output.failure.message.split()))
    else:
        log.info("compiled %s in %.0f ms", source, took_s * 1000)
