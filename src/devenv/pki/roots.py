"""Where this machine keeps the roots that its programs trust, and our own CAs joined to them.

It looks for files and reads none. The list is the one Go's `crypto/x509` searches (root_linux.go
and root_bsd.go), most common system first.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from devenv.pki.x509 import split_bundle

SYSTEM_BUNDLES = (
    Path("/etc/ssl/certs/ca-certificates.crt"),  # Debian, Ubuntu, Arch, Gentoo
    Path("/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"),  # Fedora, RHEL 7 and later
    Path("/etc/pki/tls/certs/ca-bundle.crt"),  # RHEL 6
    Path("/etc/ssl/ca-bundle.pem"),  # openSUSE
    Path("/etc/ssl/cert.pem"),  # Alpine, macOS, FreeBSD
)


def find_system_roots(environment: Mapping[str, str], *, ours: Path) -> Path | None:
    """Return the file of trusted roots that the user's programs read now, or None.

    SSL_CERT_FILE comes first, because whoever set it (a company's proxy, Nix) did so for every
    program; unless it is the file we made ourselves, which a child of ours inherits.
    """
    named = environment.get("SSL_CERT_FILE", "")
    candidates = (Path(named), *SYSTEM_BUNDLES) if named else SYSTEM_BUNDLES
    for path in candidates:
        if path.is_file() and not (ours.exists() and path.samefile(ours)):
            return path
    return None


def join(system: bytes, ours: bytes) -> bytes:
    """Return *system* as it is, followed by those of *ours* that it does not hold already."""
    known = frozenset(split_bundle(system))
    added = [block for block in split_bundle(ours) if block not in known]
    gap = b"" if not system or system.endswith(b"\n") else b"\n"
    return system + gap + b"".join(added)
