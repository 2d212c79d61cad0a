"""What nobody asked for: calls, requests and coil writes without a cause, by the far sides' own logs."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Final

from bridge.protocols.ami import Message
from bridge.simulator.modbus_module import Access
from bridge.simulator.vms.server import Request
from tests.app.scene import Story, texts
from tests.ladder.scene import Ladder
from tests.ladder.site import COIL, DESK, PHONE
from tests.parts.baresip import Baresip
from tests.parts.sip import Sipp

LIT, DARK = Access(5, COIL, (True,)), Access(5, COIL, (False,))
MONITORS: Final = ("1", "3")
"""ZoneMinder's numbers of the two cameras that see the place."""


def unexpected(ladder: Ladder, *, desk: int = 1, called_back: int = 0) -> list[str]:
    """Return everything that is without a cause; empty when all is well. Ask when the incident is closed.

    desk, called_back: how often the console and the SOS phone have been rung.
    """
    story = ladder.incident()
    return [*_calls(ladder, story, desk, called_back), *_requests(ladder, story), *_coils(ladder, story)]


def rung(telephone: Sipp | Baresip) -> int:
    """How many calls came in: a repeated INVITE is one."""
    if isinstance(telephone, Baresip):
        return len(telephone.events("CALL_INCOMING"))
    return len({invite.header("Call-ID") for invite in telephone.received("INVITE")})


def _calls(ladder: Ladder, story: Story, desk: int, called_back: int) -> Iterator[str]:
    """Each ring of a dispatcher is one that the dialplan reports, each notification one that was decided."""
    reports = ladder.lab.reports("SOSTier")
    legs = [report for report in reports if report.get("Dispatcher")]
    expected = Counter(report.get("Dispatcher") for report in legs)
    expected.update({DESK: desk, PHONE: called_back})
    for name, telephone in ladder.people.items():
        if (came := rung(telephone)) != expected[name]:
            yield f"{name} was rung {came} times, not {expected[name]}"
    yield from (f"rung twice for one step: {each}" for each, n in Counter(map(_step, legs)).items() if n > 1)
    decided = {each["id"] for each in story["deliveries"] if each["driver"] == "dispatch"}
    started = Counter(report.get("Delivery") for report in reports if _is_start(report))
    for delivery, times in started.items():
        if delivery not in decided or times != 1:
            yield f"notification {delivery} was started {times} times; decided were {decided}"


def _is_start(report: Message) -> bool:
    return report.get("Kind") == "notify" and not report.get("Dispatcher")


def _step(leg: Message) -> tuple[str, ...]:
    """Why somebody is rung: which SOS, by whom, for which round."""
    return tuple(leg.get(name) for name in ("SosUid", "Dispatcher", "Kind", "Delivery", "Loop"))


def _requests(ladder: Ladder, story: Story) -> Iterator[str]:
    """The wall gets what was decided, under the decision's own key; ZoneMinder only these two cameras."""
    wall = {each["id"] for each in story["deliveries"] if each["driver"] == "wall"}
    for request in _changes(list(ladder.plant.wall.requests)):
        if request.headers.get("idempotency-key") not in wall:
            yield f"nobody decided {request} at the wall"
    zoneminder = ladder.plant.zoneminder
    forced = itertools.product(MONITORS, ("on", "off"))
    marked = (event for event in zoneminder.state.events if story["id"] in event["Notes"])
    allowed = {
        *(f"/zm/api/monitors/alarm/id:{number}/command:{word}.json" for number, word in forced),
        *(f"/zm/api/events/{event['Id']}.json" for event in marked),
        "/zm/api/host/login.json",
        "/zm/api/events/0.json",  # no event: the probe asks whether it might
    }
    for request in list(zoneminder.requests):
        changes = request.method != "GET" or "/command:o" in request.path
        if changes and request.path not in allowed:
            yield f"nobody decided {request} at ZoneMinder"
    yield from _repeated(ladder, story)


def _repeated(ladder: Ladder, story: Story) -> Iterator[str]:
    """A camera is forced once, unless the bridge had to try again, or could not know that it had."""
    if _tried_again(ladder, story, "zm start recording"):
        return
    asked = Counter(str(request) for request in list(ladder.plant.zoneminder.requests))
    for number in MONITORS:
        if (times := asked[f"GET /zm/api/monitors/alarm/id:{number}/command:on.json"]) > 1:
            yield f"camera {number} was forced {times} times"


def _changes(requests: list[Request]) -> Iterator[Request]:
    return (request for request in requests if request.method != "GET")


def _coils(ladder: Ladder, story: Story) -> Iterator[str]:
    writes = ladder.module.writes
    if _tried_again(ladder, story, "io-east"):
        writes = [access for access, _ in itertools.groupby(writes)]
    if writes != [LIT, DARK]:
        yield f"the coils were written {writes}"


def _tried_again(ladder: Ladder, story: Story, what: str) -> bool:
    """Whether it had to be done more than once, or a bridge could not know that it was done."""
    told = any(text.startswith(what) and "trying again" in text for text in texts(story))
    return told or ladder.restarts > 0
