"""Calls of an Asterisk, watched over AMI: `type: ami` under `pbx`. See docs/triggers/ami.md.

`trigger` keeps the link and hands events over, `mapping` turns messages into channel facts,
`bridge.calls` turns those into call events, `check` proves an account before it is needed.
"""

from bridge.triggers._pbx import TriggerStatus
from bridge.triggers.ami.settings import Config
from bridge.triggers.ami.trigger import Trigger

__all__ = ["Config", "Trigger", "TriggerStatus"]
