"""Logs of a PBX through the live mapping and the live engine: what the bridge would have done.

reading = Reading(outlet, interest, troubles, times, source="asterisk/pbx1")
for log in choose(places(paths), troubles, time_of=times.of).logs:
    with log.opened(troubles) as source:
        reading.read(source, log.found)
reading.end()
"""

from bridge.replay.calls import CallBook, CallRow
from bridge.replay.choice import Choice, LeftOut, Log, choose
from bridge.replay.difference import Act, Change, Difference, View
from bridge.replay.formats import Format
from bridge.replay.inputs import Source, places
from bridge.replay.interest import Interest
from bridge.replay.journal import Comparison, Parting, Unlike, compare
from bridge.replay.reading import Progress, Reading
from bridge.replay.reconcile import Due, Lost, Reconciliation, events_for, owed_to
from bridge.replay.rerun import PROOF, Rerun
from bridge.replay.summary import STEADY, UPSET, WINDOW, Load, Summary
from bridge.replay.tail import MARGIN, Tail, Unreadable, tail_of
from bridge.replay.times import Times
from bridge.replay.trouble import BadLine, Troubles

__all__ = [
    "MARGIN",
    "PROOF",
    "STEADY",
    "UPSET",
    "WINDOW",
    "Act",
    "BadLine",
    "CallBook",
    "CallRow",
    "Change",
    "Choice",
    "Comparison",
    "Difference",
    "Due",
    "Format",
    "Interest",
    "LeftOut",
    "Load",
    "Log",
    "Lost",
    "Parting",
    "Progress",
    "Reading",
    "Reconciliation",
    "Rerun",
    "Source",
    "Summary",
    "Tail",
    "Times",
    "Troubles",
    "Unlike",
    "Unreadable",
    "View",
    "choose",
    "compare",
    "events_for",
    "owed_to",
    "places",
    "tail_of",
]
