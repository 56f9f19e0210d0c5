import pytest

from devenv.pki import roots

ONE = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
TWO = ONE.replace(b"AAAA", b"BBBB")


@pytest.fixture
def system(tmp_path, monkeypatch):
    bundle = tmp_path / "system.pem"
    bundle.write_bytes(ONE)
    monkeypatch.setattr(roots, "SYSTEM_BUNDLES", (tmp_path / "absent.pem", bundle))
    return bundle


def test_first_file_there_is_wins(system, tmp_path):
    assert roots.find_system_roots({}, ours=tmp_path / "ours.pem") == system


def test_what_the_user_named_wins(system, tmp_path):
    named = tmp_path / "company.pem"
    named.write_bytes(TWO)
    environment = {"SSL_CERT_FILE": str(named)}
    assert roots.find_system_roots(environment, ours=tmp_path / "ours.pem") == named


def test_our_own_bundle_is_never_its_own_source(system, tmp_path):
    """A child of ours inherits SSL_CERT_FILE, and may run devenv."""
    ours = tmp_path / "ours.pem"
    ours.write_bytes(TWO)
    assert roots.find_system_roots({"SSL_CERT_FILE": str(ours)}, ours=ours) == system


def test_named_file_that_is_gone_is_passed_over(system, tmp_path):
    environment = {"SSL_CERT_FILE": str(tmp_path / "gone.pem")}
    assert roots.find_system_roots(environment, ours=tmp_path / "ours.pem") == system


def test_machine_without_roots_has_none(tmp_path, monkeypatch):
    monkeypatch.setattr(roots, "SYSTEM_BUNDLES", ())
    assert roots.find_system_roots({}, ours=tmp_path / "ours.pem") is None


def test_join_adds_what_is_missing_only():
    assert roots.join(ONE, ONE + TWO) == ONE + TWO
    assert roots.join(ONE.rstrip(), TWO) == ONE + TWO
    assert roots.join(b"", TWO) == TWO
