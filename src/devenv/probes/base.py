"""What every probe raises when its server is not ready."""

from __future__ import annotations


class ProbeError(Exception):
    """Not ready; the text is the reason, as a user may read it (`connection refused`)."""
