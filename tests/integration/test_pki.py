"""What the local authority signs, judged by the clients that people use."""

import datetime as dt
import socket
import ssl
import subprocess
import threading
from contextlib import contextmanager

import pytest

from devenv.pki import x509
from devenv.pki.authority import Authority, Leaf

pytestmark = pytest.mark.integration

ADDRESS = "127.77.41.1"
GOOD = ["shop.localhost", "www.shop.localhost", "*.shop.localhost", "www.shop.example.dev"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    authority = Authority(
        tmp_path_factory.mktemp("pki") / "ca", now=lambda: dt.datetime.now(dt.UTC)
    )
    authority.ensure(["shop.localhost", "shop.example.dev"])
    return authority


@pytest.fixture(scope="module")
def stolen(authority, tmp_path_factory):
    """Return what a thief of the authority's key can sign."""
    ca = authority.ca_file.parent / "localhost+test"
    pair = x509.Pair((ca / "certificate.pem").read_bytes(), (ca / "key.pem").read_bytes())

    def sign(name):
        folder = tmp_path_factory.mktemp("stolen")
        leaf = Leaf(folder / "certificate.pem", folder / "key.pem")
        key = x509.new_key()
        now = dt.datetime.now(dt.UTC)
        leaf.key.write_bytes(key)
        leaf.certificate.write_bytes(x509.issue_leaf(pair, key, [name], serial=7, now=now))
        return leaf

    return sign


@contextmanager
def serving(leaf):
    """Answer TLS clients with one line of HTTP; yield the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf.certificate, leaf.key)
    with socket.create_server((ADDRESS, 0)) as listener:
        thread = threading.Thread(target=answer, args=(listener, context))
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def answer(listener, context):
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        with plain:
            try:
                with context.wrap_socket(plain, server_side=True) as secure:
                    secure.recv(4096)
                    secure.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
            except OSError:
                continue


def openssl(leaf, name, ca_file):
    argv = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", ca_file]
    done = subprocess.run(
        [*argv, "-verify_hostname", name, leaf.certificate],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode == 0, done.stdout + done.stderr


def python(leaf, name, ca_file):
    context = ssl.create_default_context(cafile=ca_file)
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # the default from Python 3.13 on
    with serving(leaf) as port, socket.create_connection((ADDRESS, port)) as plain:
        try:
            context.wrap_socket(plain, server_hostname=name).close()
        except ssl.SSLCertVerificationError as error:
            return False, str(error)
    return True, ""


def curl(leaf, name, ca_file):
    with serving(leaf) as port:
        done = subprocess.run(
            ["curl", "-sS", "--cacert", ca_file, "--resolve", f"{name}:{port}:{ADDRESS}",
             f"https://{name}:{port}/"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    return done.stdout == "ok", done.stderr


def node(leaf, name, ca_file):
    with serving(leaf) as port:
        script = f"""
            const options = {{host: "{ADDRESS}", port: {port}, servername: "{name}"}};
            require("tls").connect(options, () => {{ console.log("ok"); process.exit(); }})
                .on("error", error => {{ console.log(error.message); process.exit(); }});
        """
        done = subprocess.run(
            ["node", "-e", script],
            env={"NODE_EXTRA_CA_CERTS": str(ca_file), "PATH": "/usr/bin:/bin:/usr/local/bin"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    return done.stdout == "ok\n", done.stdout + done.stderr


CLIENTS = pytest.mark.parametrize("client", [openssl, python, curl, node])


@CLIENTS
@pytest.mark.parametrize("name", GOOD)
def test_client_accepts_what_we_sign(authority, client, name):
    accepted, words = client(authority.leaf([name]), name.replace("*", "matt"), authority.ca_file)
    assert accepted, words


@CLIENTS
@pytest.mark.parametrize(
    "name", ["example.com", "www.google.com", "notlocalhost", "shop.example.dev"]
)
def test_client_refuses_what_a_thief_signs(authority, stolen, client, name):
    accepted, words = client(stolen(name), name, authority.ca_file)
    assert not accepted
    assert "permitted subtree violation" in words, words


def test_thief_cannot_sign_for_an_address(authority, tmp_path):
    """A constraint on DNS names alone says nothing about IP addresses."""
    ca = authority.ca_file.parent / "localhost+test"
    signed = Leaf(tmp_path / "certificate.pem", tmp_path / "key.pem")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=router"),
            *("-CA", ca / "certificate.pem", "-CAkey", ca / "key.pem"),
            *("-addext", "subjectAltName=IP:192.168.1.1", "-keyout", signed.key),
            *("-out", signed.certificate),
        ],
        check=True,
        capture_output=True,
    )
    argv = ["openssl", "verify", "-CAfile", authority.ca_file, signed.certificate]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert "excluded subtree violation" in done.stderr


@CLIENTS
def test_one_bundle_serves_several_authorities(authority, client):
    bundle = authority.trust_bundle()
    accepted, words = client(
        authority.leaf(["www.shop.example.dev"]), "www.shop.example.dev", bundle
    )
    assert accepted, words


def test_trust_bundle_still_trusts_the_world(authority):
    """A child with SSL_CERT_FILE must be able to fetch from elsewhere."""
    system = ssl.create_default_context(cafile=authority.ca_file)
    joined = ssl.create_default_context(cafile=authority.trust_bundle())
    assert joined.cert_store_stats()["x509_ca"] > system.cert_store_stats()["x509_ca"]


@pytest.fixture
def trusting_chromium(tmp_path, authority):
    """Return a home folder whose NSS database trusts the authority."""
    database = tmp_path / ".pki/nssdb"
    database.mkdir(parents=True)
    target = f"sql:{database}"
    subprocess.run(["certutil", "-N", "-d", target, "--empty-password"], check=True)
    for number, block in enumerate(x509.split_bundle(authority.ca_file.read_bytes())):
        subprocess.run(
            ["certutil", "-A", "-d", target, "-n", f"devenv {number}", "-t", "C,,", "-a"],
            input=block, check=True,
        )  # fmt: skip
    return tmp_path


@pytest.mark.parametrize("name", ["www.shop.localhost", "matt.shop.localhost", "example.com"])
def test_chromium_agrees(authority, stolen, trusting_chromium, name):
    leaf = stolen(name) if name == "example.com" else authority.leaf([name.replace("matt", "*")])
    with serving(leaf) as port:
        done = subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
             f"--host-resolver-rules=MAP * {ADDRESS}", f"https://{name}:{port}/"],
            env={"HOME": str(trusting_chromium), "PATH": "/usr/bin:/bin"},
            capture_output=True, text=True, check=False, timeout=50,
        )  # fmt: skip
    assert ("<body>ok" in done.stdout or ">ok<" in done.stdout) == (name != "example.com"), done
