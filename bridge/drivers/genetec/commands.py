"""Fills the commands that a site wrote itself. Pure; called by the driver."""

from __future__ import annotations

import re
from typing import Final

from bridge.drivers.genetec.moments import opened_at
from bridge.drivers.genetec.settings import Command
from bridge.errors import Permanent
from bridge.model import Delivery, Operation
from bridge.protocols.genetec_text import argument, guid, stamp

EVIDENCE_BEFORE: Final = 30.0
"""Seconds before the incident opened that `{from}` says."""
EVIDENCE_AFTER: Final = 600.0
"""Seconds after this moment that `{to}` says."""
_SAID: Final = ("title", "location", "spoken", "phone")


def filled(command: Command, delivery: Delivery, now: float) -> str:
    """Return the command's `q=` for this delivery; each value can only stand as one argument.

    now: UTC epoch seconds. Raises Permanent if a preset is no number.
    """
    preset = delivery.params.get("preset", "")
    if delivery.operation is Operation.RECALL_PRESET and not re.fullmatch(r"[0-9]{1,4}", preset):
        raise Permanent(f"preset {preset!r} is not a number")
    opened = opened_at(delivery)
    values = {
        **{name: argument(delivery.params.get(name, "")) for name in _SAID},
        "incident": argument(delivery.incident),
        "target": guid(delivery.target),
        "preset": preset if preset.isdigit() else "",
        "opened": stamp(opened),
        "now": stamp(now),
        "from": stamp(opened - EVIDENCE_BEFORE),
        "to": stamp(now + EVIDENCE_AFTER),
    }
    return command.q.text(values)
