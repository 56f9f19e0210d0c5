import datetime as dt
import ipaddress

import pytest
from cryptography import x509 as library
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from devenv.pki import x509

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
PERMITTED = ("localhost", "test")
CA_KEY = x509.new_key()
CA = x509.Pair(x509.issue_ca(CA_KEY, PERMITTED, serial=1, now=NOW), CA_KEY)
LEAF_KEY = x509.new_key()


def leaf(*names, now=NOW, ca=CA):
    return x509.issue_leaf(ca, LEAF_KEY, names, serial=2, now=now)


def extensions(pem):
    """Return each extension's value and whether it is critical, by its type."""
    found = library.load_pem_x509_certificate(pem).extensions
    return {type(each.value): (each.value, each.critical) for each in found}


def test_ca_is_one_and_can_sign_leaves_only():
    found = extensions(CA.certificate)
    assert found[library.BasicConstraints] == (library.BasicConstraints(True, 0), True)
    usage, critical = found[library.KeyUsage]
    assert critical
    assert usage.key_cert_sign
    assert not usage.digital_signature
    assert found[library.ExtendedKeyUsage][0] == library.ExtendedKeyUsage(
        [ExtendedKeyUsageOID.SERVER_AUTH]
    )


def test_ca_is_constrained_to_its_names_and_to_no_address():
    constraints, critical = extensions(CA.certificate)[library.NameConstraints]
    assert critical
    assert [name.value for name in constraints.permitted_subtrees] == list(PERMITTED)
    assert [name.value for name in constraints.excluded_subtrees] == [
        ipaddress.ip_network("0.0.0.0/0"),
        ipaddress.ip_network("::/0"),
    ]


def test_leaf_is_a_server_and_nothing_else():
    found = extensions(leaf("www.shop.localhost", "*.shop.localhost"))
    assert found[library.BasicConstraints] == (library.BasicConstraints(False, None), True)
    assert found[library.ExtendedKeyUsage][0] == library.ExtendedKeyUsage(
        [ExtendedKeyUsageOID.SERVER_AUTH]
    )
    names = found[library.SubjectAlternativeName][0].get_values_for_type(library.DNSName)
    assert names == ["www.shop.localhost", "*.shop.localhost"]


def test_leaf_names_the_key_that_signed_it():
    ca = extensions(CA.certificate)[library.SubjectKeyIdentifier][0]
    authority = extensions(leaf("a.test"))[library.AuthorityKeyIdentifier][0]
    assert authority.key_identifier == ca.digest


def test_name_too_long_for_a_common_name_is_left_to_the_alternative_names():
    name = f"{'a' * 63}.localhost"
    assert x509.read_certificate(leaf(name)).names == {name}


def test_leaf_lives_at_most_397_days():
    validity = x509.read_certificate(leaf("a.test")).validity
    assert validity.not_before == NOW - x509.CLOCK_SKEW
    assert validity.not_after == NOW + dt.timedelta(days=397)


def test_leaf_never_outlives_its_ca():
    """RFC 5280 section 6.1.3 (a)(2): every certificate of a path must be valid at once."""
    ca = x509.read_certificate(CA.certificate).validity
    late = ca.not_after - dt.timedelta(days=3)
    assert x509.leaf_validity(late, ca).not_after == ca.not_after
    assert x509.leaf_validity(ca.not_before, ca).not_before == ca.not_before


def test_ca_issued_again_from_its_key_has_the_same_subject():
    again = x509.issue_ca(CA_KEY, PERMITTED, serial=3, now=NOW + dt.timedelta(days=900))
    assert x509.is_issued_by(leaf("a.test"), again)


def test_foreign_ca_did_not_issue_it():
    other = x509.issue_ca(x509.new_key(), PERMITTED, serial=1, now=NOW)
    assert not x509.is_issued_by(leaf("a.test"), other)


def test_pair_is_told_from_strangers():
    assert x509.is_pair(CA)
    assert not x509.is_pair(x509.Pair(CA.certificate, LEAF_KEY))


@pytest.mark.parametrize("damaged", [b"", b"junk", CA.certificate[:200], CA_KEY])
def test_damaged_certificate_is_a_value_error(damaged):
    with pytest.raises(ValueError):
        x509.read_certificate(damaged)


@pytest.mark.parametrize("damaged", [b"", b"junk", CA_KEY[:100], CA.certificate])
def test_damaged_key_is_no_key(damaged):
    assert x509.is_key(CA_KEY)
    assert not x509.is_key(damaged)


@pytest.mark.parametrize(
    ("name", "covered"),
    [
        ("localhost", True),
        ("www.shop.localhost", True),
        ("*.shop.localhost", True),
        ("notlocalhost", False),
        ("localhost.example.com", False),
        ("*.com", False),
    ],
)
def test_constraint_covers_itself_and_what_is_below(name, covered):
    assert x509.is_covered(name, PERMITTED) is covered


@pytest.mark.parametrize("name", ["*.localhost", "*.test", "*.dev"])
def test_star_right_below_a_top_level_name_is_refused(name):
    assert x509.is_refused_wildcard(name)
    assert not x509.is_refused_wildcard(name.replace("*.", "*.shop."))


@pytest.mark.parametrize(
    "name",
    ["", ".", "a..b", "-a", "a-", "A.test", "a/b", "../x", "a.*.b", "*", "*.", "**.a", "a" * 64,
     "a b", "a\nb", "é.test", ".".join(["a" * 60] * 5)],
)  # fmt: skip
def test_what_is_no_host_name(name):
    assert not x509.is_dns_name(name)


@given(st.text())
def test_host_names_are_safe_in_a_path(text):
    if x509.is_dns_name(text):
        assert not set(text) - set("abcdefghijklmnopqrstuvwxyz0123456789-.*")
        assert ".." not in text


def test_bundle_is_split_without_comments_and_doubles():
    other = leaf("a.test")
    bundle = b"# ours\n" + CA.certificate + b"\n\n# theirs\n" + other + CA.certificate
    assert x509.split_bundle(bundle) == (CA.certificate, other)
