"""The edge's port: what the user asks for, and whether it can be had."""

from __future__ import annotations

from collections.abc import Mapping

from devenv.errors import DevenvError
from devenv.system.ports import holder, is_free

VARIABLE = "DEVENV_HTTPS_PORT"
DEFAULT_HTTPS_PORT = 8443


def https_port_of(environ: Mapping[str, str]) -> int:
    """Return the port that the caller asks for: `DEVENV_HTTPS_PORT`, else 8443.

    Raises:
        DevenvError: the variable is not a port.
    """
    text = environ.get(VARIABLE, str(DEFAULT_HTTPS_PORT))
    if text.isdecimal() and 1 <= int(text) <= 65535:
        return int(text)
    raise DevenvError(
        f"{VARIABLE}: expected a port from 1 to 65535, got {text!r}",
        hint=f"unset {VARIABLE}",
        code="port.invalid",
    )


def check_port(port: int) -> None:
    """Refuse a port that another program has, or that needs a privilege.

    Raises:
        DevenvError: with who has it, and what to do.
    """
    try:
        free = is_free("127.0.0.1", port)
    except PermissionError:
        raise DevenvError(
            f"cannot listen on port {port}: it needs a privilege",
            hint="sudo ./devenv serve",
            code="port.privileged",
        ) from None
    if not free:
        other = holder("127.0.0.1", port)
        raise DevenvError(
            f"cannot listen on port {port}: it is in use by {other or 'another program'}",
            hint=f"stop that program, or choose another port: `{VARIABLE}=9443 devenv up`",
            code="port.in-use",
        )
