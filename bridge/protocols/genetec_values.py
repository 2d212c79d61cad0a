"""What the Web SDK answers, as values. Called by `genetec.py`.

Two serializers exist. The newer one (asked for by `Accept: text/json`) writes `Rsp`, `Status`, `Result`; the
older one `rsp`, `status`, and the thing itself (`entity`, `QueryResult`). Names are therefore looked up
without regard to case, and one row may be an object where many are an array.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bridge.protocols.genetec_text import NOWHERE, guids_in, moment
from bridge.protocols.http import HttpAnswer

CARRIERS: Final = ("result", "entity", "queryresult")
"""Where an answer has what was asked for: the newer serializer's name, then the older one's."""
MOST_DIGITS: Final = 18
EMPTY: Final[Mapping[str, Any]] = {}


class Status(enum.StrEnum):
    """What the envelope says, whatever the HTTP status is. Anything but `OK` is no success."""

    OK = "ok"
    FAIL = "fail"
    TOO_MANY = "toomanyresults"
    PARTIAL = "partial"


@dataclass(frozen=True, slots=True)
class Row:
    """One entity or one line of a report."""

    values: Mapping[str, Any]
    """Names in small letters."""

    def text(self, *names: str) -> str:
        """The first of these columns that is there, as text; empty if none is."""
        for name in names:
            value = self.values.get(name.lower())
            if value is not None:
                return str(value).strip()
        return ""

    def flag(self, name: str) -> bool | None:
        """True or false; None if the column is not there or says neither."""
        return {"true": True, "1": True, "false": False, "0": False}.get(self.text(name).lower())

    def number(self, name: str) -> int | None:
        """A whole number of at most 18 digits; None if the column holds something else."""
        return _whole(self.text(name))

    def guids(self, name: str) -> list[str]:
        """Every GUID in the column, whatever its shape."""
        return guids_in(json.dumps(self.values.get(name.lower()), default=str))


@dataclass(frozen=True, slots=True)
class AlarmInstance:
    """One occurrence of an alarm entity: what operators see and acknowledge."""

    id: str
    triggered_at: float | None
    """By the VMS's clock; None where the report does not say."""
    acknowledged_by: str
    """GUID of the user; empty where nobody is named, as when the alarm acknowledged itself."""
    acknowledged_at: float | None
    source: str
    """GUID of what triggered it (a camera at which an event occurred); empty where the report names none."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One answer of the Web SDK, opened."""

    answer: HttpAnswer = field(repr=False)
    status: str
    """In small letters; `Status` names those that are known."""
    carried: Mapping[str, Any] = field(repr=False)
    """Everything besides the status, names in small letters."""

    @property
    def result(self) -> Any:
        """What an answer carries under the name that its serializer has for it; None if nothing."""
        return next((self.carried[name] for name in CARRIERS if name in self.carried), None)

    @property
    def words(self) -> str:
        """Everything besides the status as one text, for an error or a search."""
        return json.dumps(self.carried, ensure_ascii=False)

    @property
    def numbers(self) -> frozenset[int]:
        """Every value that is a whole number, wherever it stands."""
        found = (_whole(str(leaf)) for leaf in _leaves(self.carried))
        return frozenset(number for number in found if number is not None)

    def rows(self) -> list[Row]:
        """Raises what the request's `Effect` says of an unusable answer if it holds something else."""
        found = self.result
        if "row" in _folded(found):
            return _cells(_folded(found))
        rows = found if isinstance(found, list) else [] if found is None else [found]
        if not all(isinstance(row, dict) for row in rows):
            raise self.answer.unusable("the answer holds something else than rows")
        return [Row(_folded(row)) for row in rows]

    def texts(self) -> Iterator[str]:
        """Yield every text in it, wherever it stands."""
        return (leaf for leaf in _leaves(self.carried) if isinstance(leaf, str))

    def only_row(self) -> Row:
        """The row, where there must be exactly one. Raises as `rows`."""
        rows = self.rows()
        if len(rows) != 1:
            raise self.answer.unusable(f"{len(rows)} rows came back, and one was asked for")
        return rows[0]


def opened(answer: HttpAnswer) -> Envelope:
    """Raises what the request's `Effect` says of an unusable answer if it has no envelope."""
    envelope = _folded(_folded(answer.json()).get("rsp"))
    if not isinstance(envelope.get("status"), str):
        raise answer.unusable("the answer has another shape than the Web SDK's")
    carried = {name: value for name, value in envelope.items() if name != "status"}
    return Envelope(answer, envelope["status"].lower(), carried)


def parse_instance(answer: HttpAnswer, row: Row) -> AlarmInstance:
    """One line of the report AlarmActivity."""
    number = row.number("InstanceId")
    if number is None:
        raise answer.unusable("the report AlarmActivity names no InstanceId")
    user = next(iter(row.guids("AckedBy") or row.guids("AckBy") or row.guids("AcknowledgedBy")), "")
    source = next(iter(row.guids("TriggerEntity")), "")
    return AlarmInstance(
        id=str(number),
        triggered_at=moment(row.text("TriggerTime")),
        acknowledged_by="" if user == NOWHERE else user,
        acknowledged_at=moment(row.text("AckedTime", "AckTime")),
        source="" if source == NOWHERE else source,
    )


def _cells(report: Mapping[str, Any]) -> list[Row]:
    """The older serializer's report: a header of names, and rows of cells in the same order."""
    names = [
        str(_folded(cell).get("headercolumnname", "")).lower() for cell in _list(report.get("headerrow"))
    ]
    rows = report["row"] if isinstance(report["row"], list) else [report["row"]]
    return [Row(dict(zip(names, _list(row), strict=False))) for row in rows]


def _list(row: Any) -> list[Any]:
    cells = _folded(row).get("cell")
    return cells if isinstance(cells, list) else [] if cells is None else [cells]


def _leaves(value: Any) -> Iterator[Any]:
    """Yield what a JSON value holds besides objects and arrays, however deep they are nested."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case dict() as inner:
                waiting += inner.values()
            case list() as items:
                waiting += items
            case leaf:
                yield leaf


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None


def _folded(value: Any) -> Mapping[str, Any]:
    """An object with its names in small letters; empty if it is no object."""
    return {str(name).lower(): item for name, item in value.items()} if isinstance(value, dict) else EMPTY
