"""Readiness checks, each in the protocol of what it checks."""

from devenv.probes.base import ProbeError
from devenv.probes.check import check

__all__ = ["ProbeError", "check"]
