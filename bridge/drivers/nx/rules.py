"""Which event rules of the VMS answer our events. Pure; called by the checks.

A rule is chosen by words: one of those in its field has to stand somewhere in the event's field, capitals
matter, and an empty field fits everything (vendor's manual, Generic Event). A rule knows one running event
only, whatever its cameras are (the source of the rules engine is public: a generic event has no resource of
its own), so each camera needs a rule of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bridge.protocols.nx_values import Rule, ids_in, part, plain_id

_WORD: Final = re.compile(r'"([^"]*)"|(\S+)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A rule that records a camera when an event of ours begins."""

    rule: Rule
    named: bool
    """It names the camera; otherwise it takes the event's."""

    @property
    def seconds(self) -> int:
        """How long it records; 0 while the event lasts."""
        seconds = self.rule.action.get("durationS", 5)
        return seconds if isinstance(seconds, int) else 5

    @property
    def caption(self) -> str:
        """The words it looks for in the caption; empty when it takes any."""
        return str(part(self.rule.event, "caption").get("value") or "")


def recordings_of(camera: str, rules: Iterable[Rule], source: str) -> list[Recording]:
    """The enabled rules that record this camera on an event with this source."""
    found = []
    for rule in rules:
        devices = part(rule.action, "devices")
        named = plain_id(camera) in ids_in(devices)
        records = rule.action.get("type") == "deviceRecording" and (named or devices.get("useSource") is True)
        if rule.enabled and records and hears(rule, source):
            found.append(Recording(rule=rule, named=named))
    return found


def hears(rule: Rule, source: str) -> bool:
    """Whether the rule waits for generic events of this source."""
    return rule.event.get("type") == "generic" and fits(part(rule.event, "source"), source)


def fits(field: Mapping[str, Any], text: str) -> bool:
    """Whether `text` passes a field of a rule. A lookup list cannot be seen, and is taken to fit."""
    words = [quoted or plain for quoted, plain in _WORD.findall(str(field.get("value") or ""))]
    contained = not words or any(word in text for word in words)
    match field.get("checkType", "containsKeywords"):
        case "containsKeywords":
            return contained
        case "doesNotContainKeywords":
            return not words or not contained
    return True
