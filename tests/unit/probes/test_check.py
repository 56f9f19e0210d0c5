from devenv.probes.check import PROTOCOLS
from devenv.providers.catalogue import SERVICE_KINDS


def test_every_kind_of_service_has_its_probe():
    assert {kind.protocol for kind in SERVICE_KINDS.values()} == set(PROTOCOLS)
