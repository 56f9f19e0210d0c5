"""Pure. The variables that whatever listens announces itself by."""

from __future__ import annotations

from urllib.parse import quote

from devenv.model.unit import Endpoint


def endpoint_variables(name: str, endpoint: Endpoint) -> dict[str, str]:
    """Return `<NAME>_HOST` and `<NAME>_PORT` of the unit *name*."""
    prefix = name.upper().replace("-", "_")
    return {f"{prefix}_HOST": endpoint.host, f"{prefix}_PORT": str(endpoint.port)}


def credentials(user: str, password: str) -> str:
    """Return `user:password` as a URL holds it (RFC 3986 section 3.2.1)."""
    return f"{quote(user, safe='')}:{quote(password, safe='')}"
