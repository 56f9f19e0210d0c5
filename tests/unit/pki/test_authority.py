import datetime as dt
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from devenv.errors import DevenvError
from devenv.pki import x509
from devenv.pki.authority import Authority

START = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


class Calendar:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now

    def pass_days(self, days):
        self.now += dt.timedelta(days=days)


@pytest.fixture
def calendar():
    return Calendar()


@pytest.fixture
def authority(tmp_path, calendar):
    authority = Authority(tmp_path / "ca", now=calendar)
    authority.ensure(["shop.localhost"])
    return authority


@pytest.fixture
def ca(authority, tmp_path):
    return tmp_path / "ca" / "localhost+test"


def mode(path):
    return path.stat().st_mode & 0o777


def facts(leaf):
    return x509.read_certificate(leaf.certificate.read_bytes())


def test_reserved_names_share_one_ca(authority, ca):
    authority.ensure(["other.test", "localhost", "a.b.localhost"])
    assert [path.parent for path in ca.parent.glob("*/key.pem")] == [ca]


def test_domain_of_ones_own_gets_a_ca_of_its_own(authority):
    authority.ensure(["shop.example.dev", "api.shop.example.dev"])
    blocks = x509.split_bundle(authority.ca_file.read_bytes())
    assert [x509.read_certificate(block).permitted for block in blocks] == [
        {"localhost", "test"},
        {"shop.example.dev"},
    ]
    assert facts(authority.leaf(["www.shop.example.dev"])).names == {"www.shop.example.dev"}


def test_keys_are_private_and_certificates_public(authority, ca):
    leaf = authority.leaf(["www.shop.localhost"])
    assert mode(ca.parent) == 0o700
    assert mode(ca / "key.pem") == mode(leaf.key) == 0o600
    assert mode(ca / "certificate.pem") == mode(leaf.certificate) == 0o644
    assert mode(authority.ca_file) == 0o644


def test_good_leaf_is_kept(authority, calendar):
    first = authority.leaf(["*.shop.localhost"])
    calendar.pass_days(397 - 31)
    assert authority.leaf(["*.shop.localhost"]) == first


def test_leaf_is_renewed_under_another_path_before_it_runs_out(authority, calendar):
    """Whoever still serves the old one must be able to start again with it."""
    first = authority.leaf(["*.shop.localhost"])
    calendar.pass_days(397 - 29)
    second = authority.leaf(["*.shop.localhost"])
    assert second != first
    assert first.key.exists()


def test_expired_leaf_is_deleted(authority, calendar):
    first = authority.leaf(["*.shop.localhost"])
    calendar.pass_days(398)
    authority.leaf(["*.shop.localhost"])
    assert not first.certificate.parent.exists()


@pytest.mark.parametrize("name", ["certificate.pem", "key.pem"])
@pytest.mark.parametrize("content", [b"", b"junk", None])
def test_damaged_leaf_is_issued_again(authority, name, content):
    first = authority.leaf(["www.shop.localhost"])
    damaged = first.key.with_name(name)
    if content is None:
        damaged.unlink()
    else:
        damaged.write_bytes(content)
    second = authority.leaf(["www.shop.localhost"])
    assert second != first
    assert x509.is_pair(x509.Pair(second.certificate.read_bytes(), second.key.read_bytes()))


def test_leaf_of_a_ca_that_is_gone_is_issued_again(authority, ca):
    first = authority.leaf(["www.shop.localhost"])
    shutil.rmtree(ca)
    authority.ensure(["shop.localhost"])
    assert authority.leaf(["www.shop.localhost"]) != first


def test_names_that_differ_have_leaves_that_differ(authority):
    long = [f"{'a' * 60}.{'b' * 60}.{c * 60}.{'d' * 50}.localhost" for c in "xy"]
    names = [["a.test"], ["*.a.test"], ["a.test", "b.test"], *([name] for name in long)]
    leaves = [authority.leaf(each) for each in names]
    assert len({leaf.key for leaf in leaves}) == len(names)
    assert [facts(leaf).names for leaf in leaves] == [set(each) for each in names]


@pytest.mark.parametrize("content", [b"", b"junk", None])
def test_ca_certificate_is_made_again_from_its_key(authority, ca, content):
    leaf = authority.leaf(["www.shop.localhost"])
    key = (ca / "key.pem").read_bytes()
    certificate = ca / "certificate.pem"
    certificate.unlink()
    if content is not None:
        certificate.write_bytes(content)
    authority.ensure([])
    assert (ca / "key.pem").read_bytes() == key
    assert x509.is_issued_by(leaf.certificate.read_bytes(), authority.ca_file.read_bytes())


def test_ca_is_renewed_from_its_key_a_year_before_it_runs_out(authority, calendar, ca):
    first = authority.ca_file.read_bytes()
    calendar.pass_days(3650 - 364)
    leaf = authority.leaf(["www.shop.localhost"])
    authority.ensure([])
    assert authority.ca_file.read_bytes() != first
    assert x509.is_issued_by(leaf.certificate.read_bytes(), first)


@pytest.mark.parametrize("content", [b"", b"junk", None])
def test_lost_ca_key_is_an_error_and_nothing_is_touched(authority, ca, content):
    key = ca / "key.pem"
    key.unlink()
    if content is not None:
        key.write_bytes(content)
    certificate = (ca / "certificate.pem").read_bytes()
    for call in (lambda: authority.ensure([]), lambda: authority.leaf(["a.test"])):
        with pytest.raises(DevenvError) as caught:
            call()
        assert caught.value.code == "ca.broken"
    assert (ca / "certificate.pem").read_bytes() == certificate
    assert key.exists() == (content is not None)


def test_broken_ca_in_full(authority, ca):
    (ca / "key.pem").unlink()
    with pytest.raises(DevenvError) as caught:
        authority.ensure([])
    assert caught.value.message == (
        f"cannot use the certificate authority in `{ca}`: its key is missing"
    )
    assert caught.value.hint == (
        f"restore {ca}/key.pem from a backup, or `rm -r {ca}` and import the next one "
        "into your browsers"
    )


def test_key_of_another_ca_is_an_error(authority, ca):
    (ca / "key.pem").write_bytes(x509.new_key())
    with pytest.raises(DevenvError) as caught:
        authority.ensure([])
    assert caught.value.code == "ca.broken"


def test_modes_that_others_changed_are_set_right(authority, ca):
    leaf = authority.leaf(["a.test"])
    for path in (ca.parent, ca, ca / "key.pem", leaf.key):
        path.chmod(0o755)
    assert authority.leaf(["a.test"]) == leaf
    assert [mode(path) for path in (ca.parent, ca, ca / "key.pem", leaf.key)] == [
        *(0o700, 0o700, 0o600, 0o600)
    ]


def test_star_below_a_top_level_name_is_refused_with_the_edit_to_make(authority):
    with pytest.raises(DevenvError) as caught:
        authority.leaf(["*.localhost"])
    assert caught.value.code == "certificate.wildcard"
    assert "shop.localhost" in caught.value.hint


@pytest.mark.parametrize("name", ["../../etc/passwd", "A.test", "", "a/b.test"])
def test_name_that_is_none_is_refused(authority, name):
    for call in (lambda: authority.ensure([name]), lambda: authority.leaf([name])):
        with pytest.raises(DevenvError) as caught:
            call()
        assert caught.value.code == "certificate.name"


def test_name_that_no_ca_covers_is_refused(authority):
    with pytest.raises(DevenvError) as caught:
        authority.leaf(["www.example.com"])
    assert caught.value.code == "certificate.uncovered"


def test_folder_that_cannot_be_one_is_a_sentence(tmp_path, calendar):
    (tmp_path / "ca").touch()
    with pytest.raises(DevenvError):
        Authority(tmp_path / "ca", now=calendar).ensure([])


def test_many_at_once_agree(tmp_path, calendar):
    def work(_):
        authority = Authority(tmp_path / "ca", now=calendar)
        authority.ensure(["shop.example.dev"])
        return authority.leaf(["www.shop.example.dev"])

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(work, range(16)))) == 1


def test_trust_bundle_holds_the_machines_roots_and_ours(authority, tmp_path, monkeypatch):
    system = tmp_path / "system.pem"
    system.write_bytes(b"# system\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(system))
    bundle = authority.trust_bundle()
    assert bundle.read_bytes() == b"# system\n" + authority.ca_file.read_bytes()


def test_trust_bundle_is_rewritten_only_when_it_differs(authority):
    before = authority.trust_bundle().stat().st_ino
    assert authority.trust_bundle().stat().st_ino == before
    authority.ensure(["shop.example.dev"])
    assert authority.trust_bundle().stat().st_ino != before
