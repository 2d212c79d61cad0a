"""The two shapes of a log line. Pure; called by `sink` with facts that `safety` has made safe."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Any, Final

Facts = Mapping[str, Any]

_SUBJECTS: Final = ("location", "subject", "link", "driver", "part")
"""The fact that says what a line is about, the first that it has; else its logger does."""
_MOMENTS: Final = ("_at", "_since")
"""How facts are called that are UTC epoch seconds."""
_EPOCH_LIKE: Final = 1e9
_JSON: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_COLOURS: Final = {"warning": "33", "error": "31", "critical": "1;31", "debug": "2"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line before it has a shape. `trace`: the traceback's lines, each one safe by itself."""

    at: float
    level: str
    logger: str
    event: str
    facts: Facts
    trace: Sequence[str] = ()


def as_json(line: Line) -> str:
    """Return one JSON object on one line: time (UTC), level, logger, event, then the facts.

    A fact that is called like one of the four keeps its value under its name with `_` behind it.
    """
    head = {
        "time": f"{_moment(line.at, UTC)}Z",
        "level": line.level,
        "logger": line.logger,
        "event": line.event,
    }
    facts = {f"{name}_" if name in head else name: value for name, value in line.facts.items()}
    trace = {"exception": "\n".join(line.trace)} if line.trace else {}
    return _JSON.encode({**head, **facts, **trace})


def as_text(line: Line, *, zone: tzinfo | None, colours: bool) -> str:
    """Return a line for a person: local time, level, incident, what it is about, event, facts.

    zone: of the site; None for that of this machine. A traceback follows on lines of its own, indented.
    """
    facts = dict(line.facts)
    incident = str(facts.pop("incident", ""))[:8]
    name = next((name for name in _SUBJECTS if name in facts), None)
    subject = str(facts.pop(name)) if name else line.logger.removeprefix("bridge.")
    time = _local(line.at, zone)
    rest = "".join(f"  {key}={_shown(key, value, zone)}" for key, value in facts.items())
    level = f"{line.level:<8}"
    if colours and line.level in _COLOURS:
        level = f"\x1b[{_COLOURS[line.level]}m{level}\x1b[0m"
    text = f"{time} {level} {incident:<8} {subject:<26} {line.event:<40}{rest}".rstrip()
    return "\n".join([text, *(f"    {part}" for part in line.trace)])


def _local(at: float, zone: tzinfo | None) -> str:
    return _moment(at, zone).replace("T", " ")


def _moment(at: float, zone: tzinfo | None) -> str:
    millis = int(at * 1000)
    return f"{_second(millis // 1000, zone)}.{millis % 1000:03}"


@lru_cache(maxsize=8)
def _second(at: int, zone: tzinfo | None) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone(zone).replace(tzinfo=None).isoformat()


def _shown(key: str, value: object, zone: tzinfo | None) -> str:
    if isinstance(value, float) and key.endswith(_MOMENTS) and value > _EPOCH_LIKE:
        return f'"{_local(value, zone)}"'
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str) and value and not any(char in value for char in ' ="'):
        return value
    return json.dumps(value, ensure_ascii=False)
