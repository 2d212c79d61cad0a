"""Which cameras and consoles a rule of the response table means at a place. Called by `actions`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.model import Location, Operation, View
from bridge.response.plan import Audience, Plan, Rule

BY_PRESET: Final = frozenset({Operation.RECALL_PRESET, Operation.HOME})
"""Operations that mean a camera only where the place has a preset for it."""
RECORDED: Final = frozenset({Operation.START_RECORDING, Operation.EVENT_START})
"""What makes a VMS record: by command, or by a rule of its own on an event."""
AFTERWARDS: Final = frozenset({Operation.EXTEND_BOOKMARK, Operation.HOME})
"""What ends something that was done before: at whichever camera of the place, so every one is asked about."""

_NEAR: Final = frozenset({Audience.ASSIGNED, Audience.LOCATION})


@dataclass(frozen=True, slots=True)
class Look:
    """A camera that a rule means; `instead_of` names the missing one that it stands in for."""

    view: View
    instead_of: str = ""


def looks_of(rule: Rule, location: Location, missing: Sequence[str]) -> list[Look]:
    """Return the cameras that the rule means, best first, each once.

    missing: tags of the cameras known to be missing, in the order in which they were found missing.
    A recording is still tried at a camera that has a stand-in: it may be back.
    """
    views = (*location.views, *location.wider) if rule.wider else location.views
    if rule.operation in AFTERWARDS:
        views = every_view(location)
    of_then = rule.operation in AFTERWARDS or rule.operation is Operation.BOOKMARK_PAST
    instead = {} if of_then else stand_ins_at(location, missing)
    looks = [
        Look(instead[view.camera], view.camera) if view.camera in instead else Look(view) for view in views
    ]
    if rule.operation in BY_PRESET:  # a stand-in is turned even where the missing camera was a fixed one
        looks = [look for look in looks if look.view.preset]
    looks = _once(looks)[: rule.max_views]
    if rule.operation in RECORDED:
        back = [Look(view) for view in views if view.camera in {look.instead_of for look in looks}]
        looks = _once((*looks, *back))
    return looks


def _once(looks: Iterable[Look]) -> list[Look]:
    """Each camera at its first place."""
    first: dict[str, Look] = {}
    for look in looks:
        first.setdefault(look.view.camera, look)
    return list(first.values())


def every_view(location: Location) -> tuple[View, ...]:
    """Return whatever the location may look at."""
    return (*location.views, *location.wider, *location.alternates)


def stand_ins_at(location: Location, missing: Sequence[str]) -> Mapping[str, View]:
    """Return which alternate stands in for which missing camera of the location's `views`.

    Who was found missing first gets the nearest one, so that a second loss moves nothing that is in use.
    """
    looked_at = {view.camera for view in location.views}
    free = [view for view in location.alternates if view.camera not in looked_at.union(missing)]
    lost = [camera for camera in missing if camera in looked_at]
    return dict(zip(lost, free, strict=False))


def consoles_of(rule: Rule, location: Location | None, plan: Plan, *, routine: bool) -> Iterable[str]:
    """Return the names of the consoles that the rule means, each once.

    routine: leave out whoever only hears of an SOS. Where the place is unknown or names no console, those of
    the site are its own.
    """
    if rule.consoles:
        return rule.consoles
    own = (location.consoles if location else ()) or plan.consoles
    wanted = rule.audience or (Audience.LOCATION,)
    if routine:
        wanted = tuple(audience for audience in wanted if audience in _NEAR)
    named = (_audience(audience, own, plan) for audience in wanted)
    return dict.fromkeys(console for consoles in named for console in consoles)


def _audience(audience: Audience, own: Sequence[str], plan: Plan) -> Iterator[str]:
    match audience:
        case Audience.ASSIGNED:
            yield from own[:1]
        case Audience.LOCATION:
            yield from own
        case Audience.NEXT:
            yield from (console for console in plan.operators if console not in own)
        case Audience.SUPERVISORS:
            yield from plan.supervisors
        case Audience.WALLS:
            yield from plan.walls
        case Audience.EVERYONE:
            yield from plan.everyone
