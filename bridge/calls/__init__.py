"""Channel facts -> call events. One mapping for AMI, ARI and call logs. Pure.

A trigger turns what its PBX says into facts (`facts`) and feeds them to a `CallTracker`, which answers
with the events they mean. `extension_matches` is what the response table asks about a dialled number.
"""

from bridge.calls.extensions import extension_matches
from bridge.calls.reports import UNANSWERED, unanswered_subject
from bridge.calls.tracker import CallTracker

__all__ = ["UNANSWERED", "CallTracker", "extension_matches", "unanswered_subject"]
