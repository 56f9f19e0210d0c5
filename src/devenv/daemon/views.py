"""What users are told of an environment, as plain data: `status`, `urls` and `why`.

The shapes of `status --json` and `urls --json` are a contract with scripts; keys are only added.
"""

from __future__ import annotations

from typing import Any

from devenv.daemon.environment import Environment
from devenv.model.plan import Status, blockers, satisfied
from devenv.model.state import BROKEN, Phase
from devenv.model.unit import Kind, Unit

Json = dict[str, Any]


def unit_view(unit: Unit, status: Status, *, wanted: bool) -> Json:
    """Return one unit of `status --json`."""
    endpoint = unit.endpoint
    return {
        "name": unit.name,
        "kind": unit.kind.value,
        "phase": status.phase.value,
        "ready": satisfied(unit, status),
        "wanted": wanted,
        "pid": status.pid,
        "restarts": status.restarts,
        "endpoint": None if endpoint is None else {"host": endpoint.host, "port": endpoint.port},
        "url": unit.url,
        "reason": status.reason,
    }


def status_view(environment: Environment, edge: Json) -> Json:
    """Return the whole of `status --json`; *edge* as the machine's edge describes itself."""
    definition = environment.definition
    project = None if definition is None else definition.project
    reconciler = environment.reconciler
    units = [
        unit_view(unit, environment.store[name], wanted=name in reconciler.wanted)
        for name, unit in reconciler.units.items()
    ]
    wanted = [unit for unit in units if unit["wanted"]]
    routed = project is not None and bool(project.routes)
    return {
        "environment": {
            "name": "" if project is None else project.name,
            "path": str(environment.root),
            "address": "" if definition is None else definition.entry.address,
            "domain": "" if project is None else project.domain,
            "provider": "" if project is None else project.provider.value,
        },
        "units": units,
        "edge": edge,
        "ready": bool(wanted)
        and all(unit["ready"] for unit in wanted)
        and (bool(edge["ready"]) or not routed),
        "problems": environment.problems(),
    }


def urls_view(environment: Environment) -> list[Json]:
    """Return one object per route, in the order of the file; `*` is shown as `www`."""
    definition = environment.definition
    return [] if definition is None else definition.resolver.urls()


def why_view(environment: Environment, name: str) -> Json:
    """Return the chain of units from *name* to what holds it up, the root cause last."""
    reconciler = environment.reconciler
    desired, observed = reconciler.desired(), environment.store.snapshot()
    chain, current = [], name
    while True:
        unit, status = reconciler.units[current], environment.store[current]
        view = unit_view(unit, status, wanted=current in reconciler.wanted)
        chain.append({**view, "explanation": explain(unit, status, wanted=bool(view["wanted"]))})
        waiting_for = blockers(current, desired, observed)
        if status.phase is not Phase.WAITING or not waiting_for:
            return {"name": name, "ready": chain[0]["ready"], "chain": chain}
        current = min(waiting_for, key=lambda need: environment.store[need].phase not in BROKEN)


def explain(unit: Unit, status: Status, *, wanted: bool) -> str:
    """Return one sentence on why a unit is as it is."""
    if satisfied(unit, status):
        return "done" if unit.kind is Kind.SETUP else "ready"
    if status.reason:
        return status.reason
    if not wanted and status.phase in {Phase.STOPPED, Phase.DONE}:
        return f"not started; `devenv start {unit.name}` starts it"
    return {
        Phase.WAITING: "waiting for what it needs",
        Phase.PREPARING: "being installed or initialised",
        Phase.STARTING: "being started",
        Phase.RUNNING: "running, not ready yet",
        Phase.STOPPING: "being stopped",
    }.get(status.phase, status.phase.value)
