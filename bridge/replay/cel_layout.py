"""Which column of a CEL file is what: by its header, by the sample's order, or by what stands in it.

Names and order: Asterisk's cel_custom.conf.sample and the columns of its database backends (cel_odbc,
cel_sqlite3_custom).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

KINDS: Final = frozenset(
    (
        *("CHAN_START", "CHAN_END", "ANSWER", "HANGUP", "APP_START", "APP_END", "PARK_START", "PARK_END"),
        *("BRIDGE_ENTER", "BRIDGE_EXIT", "BLINDTRANSFER", "ATTENDEDTRANSFER", "PICKUP", "FORWARD"),
        *("LINKEDID_END", "LOCAL_OPTIMIZE", "LOCAL_OPTIMIZE_BEGIN", "USER_DEFINED", "STREAM_BEGIN"),
        *("STREAM_END", "DTMF"),
    )
)
"""Event types of Asterisk 12 to 22 (cel.h)."""

_SAMPLE: Final = (
    *("kind", "time", "caller_name", "caller", "ani", "rdnis", "dnid", "exten", "context", "channel", "app"),
    *("appdata", "amaflags", "accountcode", "uniqueid", "linkedid", "peer", "userfield", "userdeftype"),
    "extra",
)
"""Order of cel_custom.conf.sample."""

_NAMES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("eventtype", "event_type", "event", "kind"), "kind"),
    **dict.fromkeys(("eventtime", "event_time", "time"), "time"),
    **dict.fromkeys(("callerid(num)", "cid_num", "callerid_num", "callernum", "caller"), "caller"),
    **dict.fromkeys(("channel(exten)", "exten", "extension"), "exten"),
    **dict.fromkeys(("channel(channame)", "channame", "chan_name", "channel"), "channel"),
    **dict.fromkeys(("channel(uniqueid)", "uniqueid", "unique_id"), "uniqueid"),
    **dict.fromkeys(("channel(linkedid)", "linkedid", "linked_id"), "linkedid"),
    **dict.fromkeys(("eventextra", "extra", "event_extra"), "extra"),
}

_UNIQUEID: Final = re.compile(r"(?:[\w.-]+-)?\d{9,10}\.\d+")
_CHANNEL: Final = re.compile(r"\w+/.+-[0-9a-f]{4,}(;[12])?")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d.*")


@dataclass(frozen=True, slots=True)
class Layout:
    """Positions of the columns that are read.

    exten, caller, extra: where the file has none, `columns`: readers put an empty value behind each record.
    """

    columns: int
    kind: int
    time: int
    channel: int
    uniqueid: int
    linkedid: int
    exten: int
    caller: int
    extra: int
    header: bool = False
    """The first line is no record."""

    @property
    def whole(self) -> bool:
        """Whether the file has all of them."""
        return self.columns not in (self.exten, self.caller, self.extra)


def layout_of(rows: Sequence[Sequence[str]], names: Sequence[str] = ()) -> Layout | None:
    """Return the layout of a file that begins with these rows; None if it is no CEL.

    names: the columns in order, where the user gives them.
    """
    if not rows:
        return None
    first = [value.strip().lower() for value in rows[0]]
    if names:
        return _by_names([name.strip().lower() for name in names], header=_is_header(first))
    if _is_header(first):
        return _by_names(first, header=True)
    if len(first) == len(_SAMPLE) and rows[0][0] in KINDS:
        return _by_names(_SAMPLE, header=False)
    return _by_content(rows)


def _is_header(first: Sequence[str]) -> bool:
    known = {_NAMES.get(name) for name in first}
    return {"kind", "uniqueid", "linkedid"} <= known


def _by_names(names: Sequence[str], *, header: bool) -> Layout | None:
    where: dict[str, int] = {}
    for position, name in enumerate(names):
        where.setdefault(_NAMES.get(name, name), position)
    if not {"kind", "time", "channel", "uniqueid", "linkedid"} <= set(where):
        return None
    read = ("kind", "time", "channel", "uniqueid", "linkedid", "exten", "caller", "extra")
    return Layout(columns=len(names), header=header, **{name: where.get(name, len(names)) for name in read})


def _by_content(rows: Sequence[Sequence[str]]) -> Layout | None:
    """Tell the columns by what stands in them. The caller ID looks like nothing else and is left out."""
    width = len(rows[0])
    columns = [[row[position] for row in rows] for position in range(width) if _all_have(rows, width)]
    full = [position for position, values in enumerate(columns) if all(values)]
    kinds = [position for position in full if KINDS.issuperset(columns[position])]
    ids = [position for position in full if all(map(_UNIQUEID.fullmatch, columns[position]))]
    channels = [position for position in full if all(map(_CHANNEL.fullmatch, columns[position]))]
    times = [position for position in full if all(map(_DATE.fullmatch, columns[position]))]
    if not times and len(ids) >= 3:
        # Epoch seconds look like Uniqueids, but hardly any two rows have the same.
        times = [max(ids, key=lambda position: len(set(columns[position])))]
    ids = [position for position in ids if position not in times]
    if not (kinds and len(ids) >= 2 and channels and times):
        return None
    # A call has one linkedid and several channels.
    linkedid = min(ids, key=lambda position: (len(set(columns[position])), -position))
    uniqueid = next(position for position in ids if position != linkedid)
    return Layout(
        columns=width,
        kind=kinds[0],
        time=times[0],
        channel=channels[0],
        uniqueid=uniqueid,
        linkedid=linkedid,
        exten=_exten_in(columns, kinds[0], uniqueid, linkedid),
        caller=width,
        extra=next((p for p, values in enumerate(columns) if any(v.startswith('{"') for v in values)), width),
    )


def _all_have(rows: Sequence[Sequence[str]], width: int) -> bool:
    return all(len(row) == width for row in rows)


def _exten_in(columns: Sequence[Sequence[str]], kind: int, uniqueid: int, linkedid: int) -> int:
    """A leg that the PBX dials starts at `s`; the channel of who called at what was dialled."""
    starts = [row for row, value in enumerate(columns[kind]) if value == "CHAN_START"]
    legs = [row for row in starts if columns[uniqueid][row] != columns[linkedid][row]]
    for position, values in enumerate(columns):
        if legs and all(values[row] == "s" for row in legs) and any(values[row] != "s" for row in starts):
            return position
    return len(columns)
