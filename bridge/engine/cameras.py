"""A camera that does not answer, where its system does: who is told, and which others stand in for it.

Called by `deliveries`. Each incident learns of it by its own deliveries, once for each camera.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from bridge.engine.holds import holds_now, still_wants
from bridge.engine.needs import subject_of_camera
from bridge.engine.pictures import FOUND, PROOFS
from bridge.engine.steps import ask
from bridge.engine.turn import Turn
from bridge.engine.wanted import MISSING, actions_of, missing_at
from bridge.model import Delivery, DeliveryState, Incident, Operation, Tier
from bridge.response import Action, Step, stand_ins_at

_NEEDS_THE_CAMERA: Final = frozenset({Operation.START_RECORDING, Operation.PROVE_LIVE})
"""Operations at which "there is nothing of that name" can only mean the camera, not its preset."""
_ANSWERED_BY_IT: Final = PROOFS | {Operation.RECALL_PRESET, Operation.HOME}
"""Operations whose read-back comes from the camera; a bookmark can be verified without it."""
_AFTER_THE_END: Final = frozenset({Step.CLEARED, Step.CLOSED})
_IN_VAIN: Final = frozenset({DeliveryState.FAILED, DeliveryState.EXPIRED, DeliveryState.SUPERSEDED})


def is_missing(turn: Turn, delivery: Delivery) -> bool:
    """Whether this end of an attempt says that the camera is missing: `yes`, or `unknown` to its system."""
    found = turn.event.attributes.get("missing")
    unknown = found == "unknown" and delivery.operation in _NEEDS_THE_CAMERA
    return "camera" in delivery.params and (unknown or found == "yes")


def lose_camera(turn: Turn, delivery: Delivery, why: str) -> None:
    """Write down that the delivery's camera is missing; the first time, tell it and have others stand in."""
    camera = delivery.params["camera"]
    subject = subject_of_camera(camera)
    if (subject, MISSING) not in turn.state.faults:
        turn.open_fault(subject, MISSING, why)
    known = _is_known(turn, delivery.incident, camera)
    turn.put_delivery(replace(delivery, params={**delivery.params, FOUND: MISSING}))
    incident = turn.state.incidents[delivery.incident]
    if not known and incident.live:
        _stand_in(turn, incident, camera, delivery.params.get("instead_of", camera))


def find_camera(turn: Turn, delivery: Delivery) -> None:
    """After a verified delivery: a camera that answered is not missing any more."""
    camera = turn.event.attributes.get("camera", "")
    if delivery.operation in _ANSWERED_BY_IT and turn.clear_fault(subject_of_camera(camera), MISSING):
        turn.note(delivery.incident, f"{camera} is not missing any more")


def _is_known(turn: Turn, incident: str, camera: str) -> bool:
    """Whether the incident was told of the camera, or began with another in its place."""
    return any(
        delivery.params.get("instead_of") == camera
        or (delivery.params.get("camera"), delivery.params.get(FOUND)) == (camera, MISSING)
        for delivery in turn.state.deliveries_of(incident)
    )


def _stand_in(turn: Turn, incident: Incident, camera: str, original: str) -> None:
    """Tell the operators, and ask the stand-in for what the missing camera was asked for.

    original: which camera of the place's views it is, where `camera` stood in for it.
    """
    wanted: list[Action] = []
    told = f"camera {camera} is missing, and no other stands in for it"
    location = turn.plan.locations.get(incident.location)
    if location is not None and still_wants(incident):
        wanted = [action for action in _wanted(turn, incident) if _is_new(turn, incident, action)]
        if instead := stand_ins_at(location, missing_at(turn, incident)).get(original):
            told = f"camera {camera} is missing: {instead.camera} stands in for it"
    turn.note(incident.id, told)
    ask(turn, incident, f"{MISSING}/{camera}", [*wanted, *_news(turn, incident)])


def _wanted(turn: Turn, incident: Incident) -> Iterator[Action]:
    """What the steps that were taken ask of stand-ins, and what they show where; each once."""
    seen = set()
    for action in _actions_so_far(turn, incident):
        key = action.driver, action.operation, action.target
        if key not in seen and ("instead_of" in action.params or action.operation is Operation.SHOW):
            seen.add(key)
            yield action


def _news(turn: Turn, incident: Incident) -> Iterator[Action]:
    """The word about it to every console that has a pop-up of the incident."""
    told = set()
    for action in _actions_so_far(turn, incident):
        key = action.driver, action.target
        can = turn.plan.can(action.driver, Operation.UPDATE_POPUP)
        if action.operation is Operation.POPUP and can and key not in told:
            told.add(key)
            yield replace(action, operation=Operation.UPDATE_POPUP)


def _actions_so_far(turn: Turn, incident: Incident) -> Iterator[Action]:
    """What the steps that the incident has taken would ask for now."""
    taken = {delivery.step.partition("/")[0] for delivery in turn.state.deliveries_of(incident.id)}
    if incident.tier is Tier.EMERGENCY:  # the SOS has replaced what the routine call showed
        taken.discard(Step.OFF_HOOK)
    for step in Step:
        if step in taken and step not in _AFTER_THE_END:
            yield from actions_of(turn, incident, step)


def _is_new(turn: Turn, incident: Incident, action: Action) -> bool:
    """Whether the stand-in was not asked yet; whether the console shows an older picture of the incident."""
    earlier = [
        delivery
        for delivery in turn.state.deliveries_of(incident.id)
        if (delivery.driver, delivery.operation, delivery.target)
        == (action.driver, action.operation, action.target)
    ]
    if action.operation is Operation.SHOW:
        shown = earlier[-1].params.get("cameras") if earlier else ""
        return holds_now(turn, incident, action.resource) and shown != action.params["cameras"]
    return all(delivery.state in _IN_VAIN for delivery in earlier)
