"""What devenv knows about each kind of service: how it is initialised, run, probed, announced."""

from devenv.providers.catalogue.registry import SERVICE_KINDS

__all__ = ["SERVICE_KINDS"]
