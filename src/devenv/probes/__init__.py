"""Readiness checks, each in the protocol of what it checks."""
