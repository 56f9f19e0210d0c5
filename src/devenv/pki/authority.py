"""The user's own certificate authorities on disk, and the leaf certificates they signed.

One CA covers the names reserved for development; a domain outside them gets a CA of its own, so no
key ever signs for more than it must. The folder is `ca/`:

    localhost+test/{key,certificate}.pem     the folder's name is what the CA is constrained to
    leaves/<name>-<digest>/<serial>/{key,certificate}.pem
    ca.pem, trust.pem                        public: ours alone, and the system's roots with ours

What can be derived is healed in silence: file modes, a CA's certificate (from its key), a leaf
(from its CA), the bundles. A CA's key cannot be derived, and a new one would have to be trusted by
hand again; so a key that is damaged, or missing beside its certificate, is an error that names the
folder and is left as it is. Trust stores are not touched here.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from devenv.errors import DevenvError
from devenv.pki import roots, x509
from devenv.system.files import delete_tree, replace_file
from devenv.system.folders import private_folder

RESERVED_DOMAINS = ("localhost", "test")
"""Names that no one can own: RFC 6761 sections 6.2 and 6.3."""

RENEW_LEAF = timedelta(days=30)
"""A leaf with less left is issued anew: longer than any `up` is left running unattended."""

RENEW_CA = timedelta(days=365)
"""Early enough for a person to trust the next certificate while the old one still serves."""

KEY = "key.pem"
CERTIFICATE = "certificate.pem"
LEAVES = "leaves"


@dataclass(frozen=True, slots=True)
class Leaf:
    """Files of one server certificate; they never change, a renewed leaf has other paths."""

    certificate: Path
    key: Path


class Authority:
    """The certificate authorities of one user.

    Nothing is read or written until a method is called; several processes may share a folder.
    """

    def __init__(self, folder: Path, *, now: Callable[[], datetime]) -> None:
        self._folder = folder
        self._now = now
        self.ca_file = folder / "ca.pem"
        """All our public CA certificates: what `curl --cacert` gets."""

    def ensure(self, domains: Collection[str]) -> None:
        """Make sure that every domain is covered by a CA in good order, and publish `ca.pem`.

        Raises:
            DevenvError: a name is no host name, a CA's key is damaged, the folder cannot be used.
        """
        for domain in domains:
            _check_name(domain)
        with self._locked():
            self._ensure_ca(RESERVED_DOMAINS)
            for domain in sorted(set(domains), key=lambda name: (name.count("."), name)):
                if not any(x509.is_covered(domain, permitted) for permitted in self._stored()):
                    self._ensure_ca((domain,))
            self._publish(
                self.ca_file, b"".join(self._load_ca(p).certificate for p in self._stored())
            )

    def leaf(self, names: Sequence[str]) -> Leaf:
        """Return a certificate for *names* that stays good for at least 30 days.

        Raises:
            DevenvError: a name may not be signed, or a CA is not in order.
        """
        for name in names:
            _check_name(name)
        with self._locked():
            ca = self._load_ca(self._covering(names))
            folder = self._folder / LEAVES / _leaf_folder(names)
            return self._find_leaf(folder, names, ca) or self._issue_leaf(folder, names, ca)

    def trust_bundle(self) -> Path:
        """Return a file with the roots this machine trusts and ours, for SSL_CERT_FILE.

        Without a file of system roots it holds ours alone. It is rewritten only when it differs.
        """
        bundle = self._folder / "trust.pem"
        with self._locked():
            system = roots.find_system_roots(os.environ, ours=bundle)
            content = system.read_bytes() if system else b""
            self._publish(bundle, roots.join(content, self.ca_file.read_bytes()))
        return bundle

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the folder for one process at a time; what the kernel says becomes a sentence."""
        private_folder(self._folder)
        try:
            with (self._folder / ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise DevenvError(
                f"cannot keep certificates in `{self._folder}`: {error.strerror}",
                hint="check its permissions and the free space",
                code="ca.unusable",
            ) from error

    def _stored(self) -> tuple[tuple[str, ...], ...]:
        """Return the constraints of the CAs there are, the reserved names' first."""
        folders = [path for path in self._folder.iterdir() if _holds_ca(path)]
        found = sorted(tuple(path.name.split("+")) for path in folders)
        return tuple(sorted(found, key=lambda permitted: permitted != RESERVED_DOMAINS))

    def _covering(self, names: Sequence[str]) -> tuple[str, ...]:
        for permitted in self._stored():
            if all(x509.is_covered(name, permitted) for name in names):
                return permitted
        raise DevenvError(
            f"cannot issue a certificate for `{', '.join(names)}`: no local CA covers it",
            hint="devenv up",
            code="certificate.uncovered",
        )

    def _ensure_ca(self, permitted: tuple[str, ...]) -> None:
        folder = self._folder / "+".join(permitted)
        if not _holds_ca(folder):
            private_folder(folder)
            replace_file(folder / KEY, x509.new_key(), mode=0o600)
        self._load_ca(permitted)

    def _load_ca(self, permitted: tuple[str, ...]) -> x509.Pair:
        """Return a CA, its certificate issued again from the key if it is not as it should be."""
        folder = private_folder(self._folder / "+".join(permitted))
        key = _read_ca_key(folder)
        certificate = _read(folder / CERTIFICATE)
        if certificate and _is_foreign(x509.Pair(certificate, key)):
            raise _broken_ca(folder, "its certificate and its key do not belong together")
        if not self._is_good_ca(certificate, permitted):
            certificate = x509.issue_ca(key, permitted, serial=x509.new_serial(), now=self._now())
            replace_file(folder / CERTIFICATE, certificate)
        return x509.Pair(certificate, key)

    def _is_good_ca(self, certificate: bytes, permitted: tuple[str, ...]) -> bool:
        try:
            facts = x509.read_certificate(certificate)
        except ValueError:
            return False
        return facts.permitted == set(permitted) and self._outlasts(facts.validity, RENEW_CA)

    def _outlasts(self, validity: x509.Validity, margin: timedelta) -> bool:
        return validity.not_before <= self._now() <= validity.not_after - margin

    def _find_leaf(self, folder: Path, names: Sequence[str], ca: x509.Pair) -> Leaf | None:
        """Return the good leaf in *folder*, if there is one, and delete those that expired."""
        for issued in sorted(folder.glob("[0-9a-f]*")) if folder.is_dir() else ():
            leaf = Leaf(issued / CERTIFICATE, issued / KEY)
            pair = x509.Pair(_read(leaf.certificate), _read(leaf.key))
            try:
                facts = x509.read_certificate(pair.certificate)
                sound = x509.is_pair(pair) and x509.is_issued_by(pair.certificate, ca.certificate)
            except ValueError:
                delete_tree(issued)
                continue
            if facts.validity.not_after < self._now():
                delete_tree(issued)
            elif sound and facts.names == set(names) and self._outlasts(facts.validity, RENEW_LEAF):
                leaf.key.chmod(0o600)
                return leaf
        return None

    def _issue_leaf(self, folder: Path, names: Sequence[str], ca: x509.Pair) -> Leaf:
        """Issue a leaf into a folder of its own, so that key and certificate appear as one."""
        serial = x509.new_serial()
        key = x509.new_key()
        certificate = x509.issue_leaf(ca, key, names, serial=serial, now=self._now())
        issued = folder / f"{serial:040x}"
        unseen = private_folder(folder / f".{issued.name}")
        replace_file(unseen / KEY, key, mode=0o600)
        replace_file(unseen / CERTIFICATE, certificate)
        unseen.rename(issued)
        return Leaf(issued / CERTIFICATE, issued / KEY)

    def _publish(self, path: Path, content: bytes) -> None:
        if _read(path) != content:
            replace_file(path, content)


def _check_name(name: str) -> None:
    if not x509.is_dns_name(name):
        raise DevenvError(
            f"cannot issue a certificate for `{name}`: it is not a host name in lower case",
            hint="set `domain` in `devenv.yml` to a name such as `shop.localhost`",
            code="certificate.name",
        )
    if x509.is_refused_wildcard(name):
        raise DevenvError(
            f"cannot issue a certificate for `{name}`: browsers refuse a star right below a "
            "top-level name",
            hint=f"set `domain` in `devenv.yml` to a name such as `shop.{name[2:]}`",
            code="certificate.wildcard",
        )


def _leaf_folder(names: Sequence[str]) -> str:
    """Return a folder name for a set of names: readable, unique, and short enough for any disk."""
    digest = hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()
    return f"{names[0].replace('*', '_')[:100]}-{digest[:16]}"


def _holds_ca(folder: Path) -> bool:
    return (folder / KEY).is_file() or (folder / CERTIFICATE).is_file()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _read_ca_key(folder: Path) -> bytes:
    path = folder / KEY
    key = _read(path)
    if not x509.is_key(key):
        raise _broken_ca(folder, f"its key is {'damaged' if key else 'missing'}")
    path.chmod(0o600)
    return key


def _is_foreign(pair: x509.Pair) -> bool:
    """Return whether the certificate is sound and belongs to another key."""
    try:
        return not x509.is_pair(pair)
    except ValueError:
        return False


def _broken_ca(folder: Path, reason: str) -> DevenvError:
    return DevenvError(
        f"cannot use the certificate authority in `{folder}`: {reason}",
        hint=f"restore {folder / KEY} from a backup, or `rm -r {folder}` and import the next one "
        "into your browsers",
        code="ca.broken",
    )
