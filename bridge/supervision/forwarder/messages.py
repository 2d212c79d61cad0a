"""What is said about each change: severity, message id, structured data. Pure. Called by `carrying`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from bridge.engine import Reason
from bridge.model import Tier
from bridge.model.ids import derive_id
from bridge.protocols.scrub import Scrubber
from bridge.protocols.syslog import Message, Severity
from bridge.protocols.syslog_settings import SyslogServer
from bridge.store.forwarding import Change, FaultChange, StoryLine
from bridge.supervision.logs.story import ALARMING

APP_NAME: Final = "sosbridge"
CALLS_FOR_HELP: Final = frozenset({Reason.OPENED, Reason.RAISED, Reason.PRESSED_AGAIN})
"""Of an SOS: somebody asks for help at this very moment."""
WORTH_KNOWING: Final = frozenset({Reason.CONNECTED, Reason.ACKNOWLEDGED, Reason.CLEARED, Reason.CLOSED})
EXERCISE: Final = "EXERCISE: "
LONGEST_TEXT: Final = 2000

_scrubber: Final = Scrubber()
_PROCID: Final = str(os.getpid())


def message_of(change: Change, server: SyslogServer, node: str) -> Message:
    """Return the message that tells this change. The same change has the same `id`, whoever tells it.

    node: its HOSTNAME; characters that a host name cannot have become `_`.
    """
    said = _say_line(change) if isinstance(change, StoryLine) else _say_fault(change)
    severity, msgid, at, data, text = said
    return Message(
        facility=server.facility,
        severity=severity,
        at=at,
        hostname="".join(char if "!" <= char <= "~" else "_" for char in node)[:255],
        app_name=APP_NAME,
        procid=_PROCID,
        msgid=msgid,
        sd_id=f"{APP_NAME}@{server.enterprise}",
        data=data,
        text=_scrubber.clean(text, limit=LONGEST_TEXT),
    )


Said = tuple[Severity, str, float, Mapping[str, str], str]
"""Severity, MSGID, time, structured data, text."""


def _say_line(line: StoryLine) -> Said:
    entry, incident = line.entry, line.incident
    data = {
        "id": derive_id("told", "line", line.seq, entry.event),
        "incident": incident.id,
        "event": entry.event,
        "tier": str(incident.tier),
        "phone": incident.phone,
        "location": incident.location,
        "exercise": "yes" if incident.exercise else "no",
    }
    text = f"{EXERCISE}{entry.text}" if incident.exercise else entry.text
    return _severity(line), entry.reason, entry.at, data, text


def _severity(line: StoryLine) -> Severity:
    reason, incident = line.entry.reason, line.incident
    if reason in ALARMING:
        wanted = Severity.WARNING
    elif reason in CALLS_FOR_HELP and incident.tier is Tier.EMERGENCY:
        wanted = Severity.ALERT
    elif reason in WORTH_KNOWING:
        wanted = Severity.NOTICE
    else:
        wanted = Severity.INFO
    # What wakes people by its severity must not wake them for an exercise.
    return max(wanted, Severity.NOTICE) if incident.exercise else wanted


def _say_fault(change: FaultChange) -> Said:
    fault = change.fault
    data = {
        "id": derive_id("told", "fault", change.seq, change.event),
        "event": change.event,
        "subject": fault.subject,
        "what": fault.what,
    }
    if fault.cleared_at is None:
        text = f"fault {fault.what} of {fault.subject}: {fault.text}"
        return Severity.ERROR, Reason.FAULT_OPENED, change.at, data, text
    lasted = max(0.0, fault.cleared_at - fault.opened_at)
    text = f"fault {fault.what} of {fault.subject} cleared after {lasted:.0f} s: {fault.text}"
    return Severity.NOTICE, Reason.FAULT_CLEARED, change.at, data, text
