"""Parameters that several commands share."""

from __future__ import annotations

import click

from devenv.cli.client import call, caller_environment
from devenv.errors import DevenvError


class UnitName(click.ParamType[str]):
    """A unit's name; completed from the units there are, if a daemon is there to ask."""

    name = "name"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """Return the names that begin with what was typed."""
        del ctx, param
        try:
            view = call("status", start=False, environ=caller_environment())
        except (DevenvError, OSError):
            return []
        return [
            click.shell_completion.CompletionItem(unit["name"])
            for unit in view["units"]
            if unit["name"].startswith(incomplete)
        ]


UNIT = UnitName()
JSON = click.option("--json", "as_json", is_flag=True, help="Print data as JSON.")
