"""Calls of an Asterisk, watched over ARI: `type: ari` under `pbx`. See docs/triggers/ari.md.

`trigger` keeps the link and hands events over, `watch` reads one session after the other, `mapping` turns
messages into channel facts, `bridge.calls` turns those into the same call events as AMI's, `check` proves a
user before it is needed.
"""

from bridge.triggers._pbx import TriggerStatus
from bridge.triggers.ari.settings import Config
from bridge.triggers.ari.trigger import Trigger

__all__ = ["Config", "Trigger", "TriggerStatus"]
