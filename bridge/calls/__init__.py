"""Channel facts -> call events. One mapping for AMI, ARI and call logs. Pure.

A trigger turns what its PBX says into facts (`facts`) and feeds them to a `CallTracker`, which answers
with the events they mean. Trackers of one PBX share their `Devices`. `extension_matches` is what the
response table asks about a dialled number.
"""

from bridge.calls.devices import Devices
from bridge.calls.extensions import extension_matches
from bridge.calls.reports import PROMPT, UNANSWERED, prompt_subject, unanswered_subject
from bridge.calls.tracker import CallTracker

__all__ = [
    "PROMPT",
    "UNANSWERED",
    "CallTracker",
    "Devices",
    "extension_matches",
    "prompt_subject",
    "unanswered_subject",
]
