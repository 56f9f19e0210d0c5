from __future__ import annotations

import os

from devenv.shim import kernel

NOBODY = 2**22 + 1
"""Above the kernel's highest pid."""


def test_this_process_is_known():
    assert kernel.start_ticks(os.getpid()) > 0
    assert kernel.alive_since(os.getpid()) == kernel.start_ticks(os.getpid())
    assert kernel.session(os.getpid()) == os.getsid(0)
    assert os.getpid() in kernel.processes()


def test_a_process_that_is_not_there_is_nothing():
    assert kernel.start_ticks(NOBODY) == 0
    assert kernel.alive_since(NOBODY) == 0
    assert kernel.session(NOBODY) == 0
    assert kernel.marker(NOBODY) == ""
    assert kernel.children(NOBODY) == []


def test_a_process_without_the_marker_has_none():
    assert kernel.marker(os.getpid()) == ""
