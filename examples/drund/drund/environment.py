"""What the environment says, parsed: where the site is and where its database is.

Nothing here knows about devenv but the names of two variables: `DEVENV_DOMAIN`, the domain that
all subdomains share, and `DEVENV_URL`, of which only the port matters (8443 on a developer's
machine, none in production).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class Site:
    """The public address of the site, of which every subdomain's URL is made."""

    domain: str
    port: int | None
    """None: HTTPS's usual one."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Site":
        """Read `DEVENV_DOMAIN` and the port of `DEVENV_URL`."""
        domain = environ.get("DEVENV_DOMAIN", "drund.localhost").lower()
        port = urlsplit(environ.get("DEVENV_URL", "")).port
        return cls(domain, None if port == 443 else port)

    def origin(self, subdomain: str = "", *, scheme: str = "https") -> str:
        """Return scheme, host and port of *subdomain*, or of the bare domain."""
        host = f"{subdomain}.{self.domain}" if subdomain else self.domain
        return f"{scheme}://{host}" if self.port is None else f"{scheme}://{host}:{self.port}"

    def subdomain_of(self, host: str) -> str | None:
        """Return the subdomain that *host* (a `Host` header) names, or None for another site.

        The bare domain is the empty subdomain.
        """
        name = host.partition(":")[0].lower().removesuffix(".")
        if name == self.domain:
            return ""
        suffix = f".{self.domain}"
        return name.removesuffix(suffix) if name.endswith(suffix) else None

    def owns(self, origin: str) -> bool:
        """Return whether *origin* (an `Origin` header) is one of this site's pages."""
        scheme, _, host = origin.partition("://")
        subdomain = self.subdomain_of(host)
        return subdomain is not None and origin.lower() == self.origin(subdomain, scheme="https")


def mysql_database(url: str) -> dict[str, object]:
    """Return Django's `DATABASES` entry for `mysql://user:password@host:port/name`."""
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.mysql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or 3306),
        "OPTIONS": {"charset": "utf8mb4", "connect_timeout": 5},
        "TEST": {"CHARSET": "utf8mb4"},
    }
