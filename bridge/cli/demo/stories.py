"""The two stories of the demo: everything works; nothing shows a picture, so people are called."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from bridge.cli.demo.site import ALARM, EAST, LEAD, MANAGER, WEST
from bridge.cli.demo.sounds import RINGBACK
from bridge.cli.demo.stage import ANSWERS, HELP_POINT, Stage
from bridge.cli.demo.telling import calls
from bridge.model import IncidentState, Operation
from bridge.pack.phrases import phrases_in
from bridge.simulator.phones import Kind, PhoneCall

OPERATOR: Final = "A. Weber"
DESK: Final = "desk-1"
EMPTY_DESK: Final = "desk-2"
_RINGS_FOR: Final = 1.5
"""Seconds until somebody who is there picks up."""
_LISTENS: Final = 2.0
"""Seconds of an announcement that somebody listens to before he presses 1."""


async def everything_works(stage: Stage) -> None:
    """A worker presses SOS, the cameras turn, an operator answers, acknowledges, and it is over."""
    help_point, desk = stage.phones[EAST], stage.phones[DESK]
    desk.answers_after = _RINGS_FOR
    stage.page.title(f"1  SOS from {EAST}; everything works")
    stage.page.began_at = time.time()
    stage.say(EAST, f"somebody presses SOS: it dials {ALARM}")
    call = await help_point.dial(ALARM)
    rung = await desk.rung()
    stage.say(DESK, "rings")
    await rung.until_answered()
    stage.say(DESK, f"{OPERATOR} picks up")
    await call.until_answered()
    await _talk(stage, EAST, call, DESK, rung)
    await stage.click(EAST, OPERATOR, DESK)
    await stage.until(lambda: stage.incident(EAST).state is IncidentState.ACKNOWLEDGED, "the acknowledgement")
    call.hang_up()
    stage.say(EAST, "hangs up")
    await rung.until_ended()
    await _judge_first(stage)


async def _judge_first(stage: Stage) -> None:
    incident = await stage.until_closed(EAST)
    shown = [each for each in stage.seen.of(incident) if each.operation is Operation.SHOW]
    recorded = [each for each in stage.seen.of(incident) if each.operation is Operation.START_RECORDING]
    stage.check(
        bool(shown and recorded) and all(each.state.done for each in (*shown, *recorded)),
        f"{EAST}: pictures on the console, cameras recording",
    )
    stage.check(
        incident.acknowledged_by == OPERATOR, f"{EAST}: acknowledged by {OPERATOR}, then cleared by hangup"
    )
    others = [name for name in (LEAD, MANAGER) if stage.phones[name].calls]
    stage.check(not others, f"{EAST}: nobody else was rung")
    stage.check_actions(EAST)


async def no_picture(stage: Stage) -> None:
    """The VMSs are off and nobody is at the desk: dispatch is called, and one of them takes it."""
    help_point, lead, manager = stage.phones[WEST], stage.phones[LEAD], stage.phones[MANAGER]
    lead.says = None  # first he listens
    lead.answers_after = _RINGS_FOR
    stage.page.title(f"2  SOS from {WEST}; no picture, and nobody at the desk")
    stage.page.began_at = time.time()
    await stage.systems.switch_off()
    stage.say("plant", "recorder and video wall are switched off")
    stage.say(WEST, f"somebody presses SOS: it dials {ALARM}")
    call = await help_point.dial(ALARM)
    await stage.phones[EMPTY_DESK].rung()
    stage.say(EMPTY_DESK, "rings; nobody is there")
    at_lead, at_manager = await asyncio.gather(lead.rung(), manager.rung())
    together = abs(at_lead.began_at - at_manager.began_at)
    stage.say(LEAD, "rings")
    stage.say(MANAGER, "rings")
    await at_lead.until_answered()
    stage.say(LEAD, "picks up")
    await _listen(stage, call, at_lead)
    await at_lead.press("1")
    stage.say(LEAD, "presses 1: I have it")
    await at_manager.until_ended()
    stage.say(MANAGER, "is released" + (": taken by somebody else" if at_manager.elsewhere else ""))
    await call.until_answered()
    at_lead.say(stage.voice.tone(ANSWERS), loop=True)
    await _talk(stage, WEST, call, LEAD, at_lead)
    await stage.systems.switch_on()
    stage.say("plant", "recorder and video wall are switched on again")
    await stage.until(lambda: _is_shown(stage, WEST), "the pictures that were asked for meanwhile")
    call.hang_up()
    stage.say(WEST, "hangs up")
    await at_lead.until_ended()
    await _judge_second(stage, together, at_manager)


async def _judge_second(stage: Stage, together: float, at_manager: PhoneCall) -> None:
    incident = await stage.until_closed(WEST)
    deliveries = stage.seen.of(incident)
    called = [each.settled_at for each in deliveries if calls(each) and each.state.done and each.settled_at]
    shown = [each.settled_at for each in deliveries if each.operation is Operation.SHOW and each.settled_at]
    stage.check(
        bool(called and shown) and min(called) < min(shown),
        f"{WEST}: dispatch was called while there was no picture, which came when it could",
    )
    stage.check(together < 0.5, f"{WEST}: both dispatchers rang at once")
    stage.check(
        at_manager.answered_at is None and at_manager.elsewhere,
        f"{WEST}: who was not needed was let go, without a missed call",
    )
    stage.check(LEAD in incident.acknowledged_by, f"{WEST}: acknowledged by {LEAD}, with the 1")
    stage.check_actions(WEST)


def _is_shown(stage: Stage, phone: str) -> bool:
    shown = [d for d in stage.seen.of(stage.incident(phone)) if d.operation is Operation.SHOW]
    return bool(shown) and all(each.state.done for each in shown)


def _announced(stage: Stage, phone: str) -> str:
    """What the announcement begins with, for this phone."""
    file = stage.site.file
    place = file.locations[file.phones[phone].location].spoken
    return phrases_in(stage.site.site.language).location.format(place=place)


async def _listen(stage: Stage, waiting: PhoneCall, call: PhoneCall) -> None:
    """The dispatcher hears the announcement; whoever waits hears ringback, or that the alarm was sent."""
    expected = stage.sounds.announcement
    heard = await call.until_hears(expected.kind, hertz=expected.hertz)
    words = f': "{_announced(stage, WEST)} ..."' if stage.sounds.spoken else ""
    stage.say(LEAD, f"hears the announcement, {heard}{words}")
    stage.check(True, f"{WEST}: {LEAD} heard the announcement ({heard})")
    await asyncio.sleep(_LISTENS)
    meanwhile = waiting.has_heard(_LISTENS)
    ringback = meanwhile.kind is Kind.TONE and abs(meanwhile.hertz - RINGBACK) < 10
    stage.say(WEST, f"hears meanwhile {'ringback' if ringback else 'an announcement'}: {meanwhile}")
    stage.check(meanwhile.kind is not Kind.SILENCE, f"{WEST}: who waited was not left in silence")


async def _talk(stage: Stage, phone: str, call: PhoneCall, person: str, answered: PhoneCall) -> None:
    """Both must hear what the other says."""
    hears, heard = await asyncio.gather(
        call.until_hears(Kind.TONE, hertz=ANSWERS), answered.until_hears(Kind.TONE, hertz=HELP_POINT)
    )
    stage.say(phone, f"hears {person}: {hears}")
    stage.say(person, f"hears {phone}: {heard}")
    stage.check(True, f"{phone} and {person} heard each other")
