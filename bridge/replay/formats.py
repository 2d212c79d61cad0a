"""Which format a log has, told by its beginning. Pure."""

from __future__ import annotations

import enum
import json
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.protocols.ami import BANNER
from bridge.replay.cdr_layout import CdrLayout, cdr_layout_of
from bridge.replay.cel_layout import Layout, layout_of
from bridge.replay.records import Broken, text_of, values_of

SAMPLE = 400
"""Lines looked at."""
FEWEST_COLUMNS = 5
"""Of a CEL or CDR file that tells anything of a call."""
_QUEUE_COLUMNS = 5


class Format(enum.StrEnum):
    AMI = "ami"
    """Raw bytes of the manager interface."""
    AMI_JSON = "ami_json"
    ARI = "ari"
    CEL = "cel"
    CDR = "cdr"
    QUEUE_LOG = "queue_log"
    JOURNAL = "journal"
    """The bridge's own database."""


@dataclass(frozen=True, slots=True)
class Detected:
    """A format, and the columns of those that have some."""

    format: Format
    cel: Layout | None = None
    cdr: CdrLayout | None = None


def detect(head: bytes, *, wanted: Format | None = None, columns: Sequence[str] = ()) -> Detected | None:
    """Return what the file is; None where nothing fits.

    head: the file's first 64 KB. wanted: what the user says it is. columns: of a CEL file, in order, where
    the user gives them.
    """
    for format_ in (wanted,) if wanted else Format:
        if found := _as(format_, head, columns):
            return found
    return None


def is_table(head: bytes) -> bool:
    """Whether it may be a CEL or CDR file in an order of columns that nobody knows."""
    rows = _rows(head)
    return len(rows) * 2 > min(SAMPLE, head.count(b"\n") + 1) and len(rows[0]) >= FEWEST_COLUMNS


def _as(format_: Format, head: bytes, columns: Sequence[str]) -> Detected | None:
    match format_:
        case Format.CEL:
            layout = layout_of(_rows(head), columns)
            return Detected(format_, cel=layout) if layout else None
        case Format.CDR:
            cdr = cdr_layout_of(_rows(head))
            return Detected(format_, cdr=cdr) if cdr else None
        case _:
            return Detected(format_) if _LOOKS[format_](head) else None


def _is_ami(head: bytes) -> bool:
    start = head.lstrip(b"\r\n")
    return start.startswith((BANNER, b"Event: ", b"Response: ")) or b"\nEvent: " in head[:4096]


def _is_queue_log(head: bytes) -> bool:
    lines = [line for line in head.split(b"\n")[:SAMPLE] if line.strip()]
    good = [
        line for line in lines if line.count(b"|") >= _QUEUE_COLUMNS - 1 and line.split(b"|")[0].isdigit()
    ]
    return bool(good) and len(good) * 2 > len(lines)


def _is_journal(head: bytes) -> bool:
    return head.startswith(b"SQLite format 3\0")


def _is_json_with(name: str, head: bytes) -> bool:
    for line in head.split(b"\n")[:SAMPLE]:
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        return isinstance(value, dict) and isinstance(value.get(name), str)
    return False


_LOOKS = {
    Format.AMI: _is_ami,
    Format.AMI_JSON: lambda head: _is_json_with("Event", head),
    Format.ARI: lambda head: _is_json_with("type", head),
    Format.QUEUE_LOG: _is_queue_log,
    Format.JOURNAL: _is_journal,
}


def _rows(head: bytes) -> list[list[str]]:
    """Return the records in the beginning, without lines that are none and the half one at its end."""
    lines = head.split(b"\n")
    rows: list[list[str]] = []
    for line in lines[: min(SAMPLE, max(1, len(lines) - 1))]:
        try:
            values = values_of(line)
        except Broken:
            continue
        if len(values) > 1:
            rows.append([text_of(value) for value in values])
    widths = [len(row) for row in rows]
    usual = max(set(widths), key=widths.count, default=0)
    return [row for row in rows if len(row) == usual]
