"""devenv: one file, one command, and a checkout runs as it does in production."""

__version__ = "0.1.0"
