"""Servers that answer a log-in with something else than they should."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from bridge.simulator.vms.nx import FakeNx
from bridge.simulator.vms.server import Answer, Request
from bridge.simulator.vms.zoneminder import FakeZoneMinder


@contextmanager
def log_ins_changed(
    fake: FakeNx | FakeZoneMinder, changed: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Inside, every log-in is answered with these fields changed."""
    log_in = fake._log_in

    def nonsense(request: Request) -> Answer:
        return Answer.json({**json.loads(log_in(request).body), **changed})

    with monkeypatch.context() as patch:
        patch.setattr(fake, "_log_in", nonsense)
        yield
