"""Pure. The values that the rest of devenv decides with; no I/O, clock, task or log here."""
