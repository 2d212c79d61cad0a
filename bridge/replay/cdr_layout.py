"""Which column of a CDR file is what.

Two orders exist: that of cdr_csv begins with the account code; that of cdr_custom.conf.sample begins with the
caller ID and ends with account code, uniqueid, user field and sequence (Asterisk's cdr_csv.c and samples).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_MIDDLE: Final = (
    *("channel", "dstchannel", "lastapp", "lastdata", "start", "answer", "end", "duration", "billsec"),
    *("disposition", "amaflags"),
)
_CSV: Final = ("accountcode", "src", "dst", "dcontext", "clid", *_MIDDLE)
_CUSTOM: Final = (
    *("clid", "src", "dst", "dcontext", *_MIDDLE, "accountcode", "uniqueid", "userfield", "sequence"),
)
_CSV_TAILS: Final[Mapping[int, tuple[str, ...]]] = {
    0: (),
    1: ("uniqueid",),
    2: ("uniqueid", "userfield"),
    3: ("peeraccount", "linkedid", "sequence"),
    4: ("uniqueid", "peeraccount", "linkedid", "sequence"),
    5: ("uniqueid", "userfield", "peeraccount", "linkedid", "sequence"),
}
"""What cdr.conf's loguniqueid, loguserfield and newcdrcolumns add. One column alone may be the user field."""
_ALIASES: Final = {"calldate": "start", "callerid": "clid", "end_time": "end", "answer_time": "answer"}
_NEEDED: Final = frozenset({"src", "dst", "channel", "dstchannel", "lastapp", "start", "disposition"})
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d.*")
_UNIQUEID: Final = re.compile(r"(?:[\w.-]+-)?\d{9,10}\.\d+")
DISPOSITIONS: Final = frozenset({"ANSWERED", "NO ANSWER", "BUSY", "FAILED", "CONGESTION", "NOANSWER"})


@dataclass(frozen=True, slots=True)
class CdrLayout:
    """name: `cdr_csv`, `cdr_custom` or `header`. where: column name -> position."""

    name: str
    columns: int
    where: Mapping[str, int]

    @property
    def header(self) -> bool:
        return self.name == "header"


def cdr_layout_of(rows: Sequence[Sequence[str]]) -> CdrLayout | None:
    """Return the layout of a file that begins with these rows; None if it is no CDR."""
    if not rows:
        return None
    names = [_ALIASES.get(name.strip().lower(), name.strip().lower()) for name in rows[0]]
    if set(names) >= _NEEDED:
        return CdrLayout("header", len(names), {name: position for position, name in enumerate(names)})
    for name, columns in _candidates(len(rows[0])):
        if all(_fits(row, columns) for row in rows):
            where = {column: position for position, column in enumerate(columns)}
            if "uniqueid" in where and not any(_UNIQUEID.fullmatch(row[where["uniqueid"]]) for row in rows):
                where["userfield"] = where.pop("uniqueid")
            return CdrLayout(name, len(columns), where)
    return None


def _candidates(width: int) -> list[tuple[str, tuple[str, ...]]]:
    found: list[tuple[str, tuple[str, ...]]] = []
    tail = _CSV_TAILS.get(width - len(_CSV))
    if tail is not None:
        found.append(("cdr_csv", _CSV + tail))
    if 15 <= width <= len(_CUSTOM):
        found.append(("cdr_custom", _CUSTOM[:width]))
    return found


def _fits(row: Sequence[str], columns: Sequence[str]) -> bool:
    if len(row) != len(columns):
        return False
    values = dict(zip(columns, row, strict=True))
    answer = values["answer"]
    return (
        _TIME.fullmatch(values["start"]) is not None
        and (not answer or _TIME.fullmatch(answer) is not None)
        and values["disposition"].upper() in DISPOSITIONS
    )
