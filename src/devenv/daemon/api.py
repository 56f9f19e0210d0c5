"""What the daemon can be asked: one method per verb, plain data in, plain data out.

Requests are checked here and nowhere below; everything that a user can meet is a `DevenvError`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from devenv import __version__
from devenv.config.load import find_config, load_project
from devenv.config.schema import json_schema
from devenv.config.show import render_yaml, resolved
from devenv.daemon.definition import check_known
from devenv.daemon.environment import Environment
from devenv.daemon.environments import Environments
from devenv.daemon.logs import merged_tail
from devenv.daemon.machine import Machine
from devenv.daemon.progress import settle_down, settle_up
from devenv.daemon.request import Request
from devenv.daemon.streams import follow_logs, send_tail
from devenv.daemon.views import status_view, urls_view, why_view
from devenv.errors import DevenvError
from devenv.model.plan import plan

Json = dict[str, Any]
Emit = Callable[[Json], Awaitable[None]]
Method = Callable[[Request, Emit], Awaitable[Any]]

WHY_LINES = 10


class Api:
    """The verbs."""

    def __init__(
        self,
        machine: Machine,
        environments: Environments,
        stop: Callable[[], None],
        *,
        stay: bool = False,
    ) -> None:
        self._machine = machine
        self._environments = environments
        self._stop = stop
        self._stay = stay
        self._under_way = 0
        self._methods: Mapping[str, Method] = {
            "ping": self._ping,
            "shutdown": self._shutdown,
            "status": self._status,
            "urls": self._urls,
            "why": self._why,
            "up": self._up,
            "plan": self._plan,
            "down": self._down,
            "start": self._start,
            "stop": self._stop_units,
            "restart": self._restart,
            "logs": self._logs,
            "environment": self._environment,
            "attach": self._attach,
            "config-check": self._config_check,
            "config-show": self._config_show,
            "config-schema": self._config_schema,
        }

    async def handle(self, body: Json, emit: Emit) -> Any:
        """Answer one request."""
        request = Request(body)
        version = request.text("version", __version__)
        method = self._methods.get(request.text("op"))
        if version != __version__ and method != self._shutdown:
            raise DevenvError(
                f"the daemon is devenv {__version__}, this command is {version}",
                hint="type the command again",
                code="daemon.version",
            )
        if method is None:
            raise DevenvError("no such request", code="request.unknown")
        self._under_way += 1
        try:
            return await method(request, emit)
        finally:
            self._under_way -= 1
            self._environments.changed.notify()

    @property
    def busy(self) -> bool:
        """Tell whether a request is being answered."""
        return self._under_way > 0

    # -- looking ----------------------------------------------------------------------------

    async def _ping(self, _request: Request, _emit: Emit) -> Json:
        return {"version": __version__, "pid": os.getpid()}

    async def _shutdown(self, _request: Request, _emit: Emit) -> Json:
        self._stop()
        return {"pid": os.getpid()}

    async def _status(self, request: Request, _emit: Emit) -> Json:
        environment = await self._known(request)
        return status_view(environment, self._machine.edge.status())

    async def _urls(self, request: Request, _emit: Emit) -> list[Json]:
        return urls_view(await self._known(request))

    async def _why(self, request: Request, _emit: Emit) -> Json:
        environment = await self._known(request)
        name = request.text("name")
        check_known(name, environment.reconciler.units)
        view = why_view(environment, name)
        cause = view["chain"][-1]["name"]
        files = {cause: environment.paths.logs / f"{cause}.log"}
        lines = [] if view["ready"] else merged_tail(files, WHY_LINES)
        return {**view, "log": [line.text for line in lines]}

    async def _known(self, request: Request) -> Environment:
        """Return the environment asked about, defined by the file if it is not up."""
        environment = self._environments.locate(request.text("cwd"))
        former = self._environments.moved_from(environment)
        if former is not None:
            return former
        if not environment.is_up:
            await environment.preview(request.environ())
        return environment

    # -- acting -----------------------------------------------------------------------------

    async def _up(self, request: Request, emit: Emit) -> Json:
        environment = self._environments.locate(request.text("cwd"))
        self._environments.check_not_moved(environment)
        names = request.names()
        begun = await environment.up(names, request.environ())
        await emit({"event": "begun", "units": list(begun)})
        await self._environments.carry_out(self._machine.edge.serve())
        return await self._settled(environment, environment.require_up().closure(names), emit)

    async def _settled(self, environment: Environment, names: frozenset[str], emit: Emit) -> Json:
        lost = await settle_up(environment, names, emit)
        view = status_view(environment, self._machine.edge.status())
        return {
            "failed": [
                {**unit, "log": str(environment.paths.logs / f"{unit['name']}.log")}
                for unit in view["units"]
                if unit["name"] in lost
            ],
            "urls": urls_view(environment),
            "status": view,
        }

    async def _plan(self, request: Request, _emit: Emit) -> list[Json]:
        environment = self._environments.locate(request.text("cwd"))
        desired, observed = await environment.rehearse(request.names(), request.environ())
        actions = plan(desired, observed, self._machine.clock.monotonic()).actions
        return [
            {
                "action": type(action).__name__.lower(),
                "name": action.name,
                "kind": desired[action.name].unit.kind.value if action.name in desired else "",
                "needs": list(desired[action.name].unit.needs) if action.name in desired else [],
                "reason": getattr(action, "reason", ""),
            }
            for action in actions
        ]

    async def _down(self, request: Request, emit: Emit) -> Json:
        environment = self._environments.locate(request.text("cwd"))
        environment = self._environments.moved_from(environment) or environment
        if request.flag("kill"):
            await environment.kill(request.names())
        if request.names() and environment.reconciler.wanted - frozenset(request.names()):
            return await self._stop_units(request, emit)  # something else stays up
        names = [name for name in environment.store if environment.store[name].pid]
        ending = self._environments.carry_out(self._take_down(environment))
        await settle_down(environment, names, emit, ending)
        await ending
        if not self._environments.any_up and not self._stay and self._under_way == 1:
            self._stop()
        return {"stopped": names}

    async def _take_down(self, environment: Environment) -> None:
        await environment.take_down()
        self._environments.forget(environment)

    async def _start(self, request: Request, emit: Emit) -> Json:
        environment = self._up_environment(request)
        return await self._settled(environment, await environment.want(request.names()), emit)

    async def _stop_units(self, request: Request, emit: Emit) -> Json:
        environment = self._up_environment(request)
        for name in request.names():
            check_known(name, environment.reconciler.units)
        await environment.unwant(request.names())
        await settle_down(environment, request.names(), emit)
        return {"stopped": list(request.names())}

    async def _restart(self, request: Request, emit: Emit) -> Json:
        environment = self._up_environment(request)
        names = request.names()
        for name in names:
            check_known(name, environment.reconciler.units)
        await environment.restart(names)
        return await self._settled(environment, frozenset(names), emit)

    def _up_environment(self, request: Request) -> Environment:
        environment = self._environments.locate(request.text("cwd"))
        environment.require_up()
        return environment

    # -- logs, shells, terminals ------------------------------------------------------------

    async def _logs(self, request: Request, emit: Emit) -> Json:
        environment = await self._known(request)
        known = environment.reconciler.units
        for name in request.names():
            check_known(name, known)
        names = request.names() or tuple(known)
        tail = request.count("tail", 100)
        if request.flag("follow"):
            await follow_logs(environment, names, emit, tail=tail, resume=request.places())
        else:
            await send_tail(environment, names, emit, tail=tail)
        return {}

    async def _environment(self, request: Request, _emit: Emit) -> Json:
        environment = await self._known(request)
        name = request.text("name", "")
        if name:
            check_known(name, environment.reconciler.units)
        return environment.shell(name or None)

    async def _attach(self, request: Request, _emit: Emit) -> Json:
        environment = self._up_environment(request)
        name = request.text("name")
        check_known(name, environment.reconciler.units)
        if environment.store[name].pid is None:
            raise DevenvError(
                f"cannot attach to `{name}`: it does not run",
                hint=f"devenv why {name}",
                code="unit.not-running",
            )
        return {"socket": str(environment.link.paths.socket)}

    # -- configuration ----------------------------------------------------------------------

    async def _config_check(self, request: Request, _emit: Emit) -> Json:
        path = find_config(_folder(request))
        await asyncio.to_thread(load_project, path, request.environ())
        return {"path": str(path)}

    async def _config_show(self, request: Request, _emit: Emit) -> Json:
        path = find_config(_folder(request))
        project = await asyncio.to_thread(load_project, path, request.environ())
        return {"data": resolved(project), "text": render_yaml(project)}

    async def _config_schema(self, _request: Request, _emit: Emit) -> Json:
        return json_schema()


def _folder(request: Request) -> Path:
    return Path(request.text("cwd"))
