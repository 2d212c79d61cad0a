"""What a step of an incident wants of whom: the response table, in the light of what the incident knows.

Called by `steps`, `stops`, `cameras`, `effects` and `timers`, which read the table through `actions_of` only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from bridge.engine.holds import holds_now, still_wants
from bridge.engine.needs import subject_of_camera
from bridge.engine.turn import Turn
from bridge.model import NOTHING, Delivery, Incident, Operation
from bridge.response import Action, Step, actions_for, every_view, ptz

MISSING: Final = "missing"
"""`Fault.what` of a camera that does not answer, where its system does."""
_RECORDINGS: Final = (Operation.START_RECORDING, Operation.EVENT_START)


def actions_of(turn: Turn, incident: Incident, step: Step) -> Iterator[Action]:
    """Yield what the response table asks for at `step`, with stand-ins for cameras known to be missing.

    A bookmark is extended where one was made, and a camera goes home where this incident moved it and nobody
    else uses it; `reference` is what the receipt of that said, or that of the pop-up to be changed.
    """
    for action in actions_for(step, incident, turn.plan, missing_at(turn, incident)):
        match action.operation:
            case Operation.EXTEND_BOOKMARK:
                if made := _latest_done(turn, incident, Operation.BOOKMARK, action):
                    yield replace(action, params={**action.params, "reference": made.reference})
            case Operation.HOME:
                moved = _latest_done(turn, incident, Operation.RECALL_PRESET, action)
                if moved and _is_ours_alone(turn, incident, action.params["camera"]):
                    back = {"preset": moved.params["preset"], "reference": moved.reference}
                    yield replace(action, params={**action.params, **back})
            case Operation.UPDATE_POPUP:
                if _is_told(turn, incident, action):
                    opened = _latest_done(turn, incident, Operation.POPUP, action)
                    known = {"reference": opened.reference} if opened else NOTHING
                    yield replace(action, params={**action.params, **known})
            case _:
                yield action


def missing_at(turn: Turn, incident: Incident) -> tuple[str, ...]:
    """Return the cameras of the incident's place that are known to be missing, the longest missing first."""
    location = turn.plan.locations.get(incident.location)
    cameras = {view.camera for view in every_view(location)} if location else set()
    since = {
        camera: fault.opened_at
        for camera in cameras
        if (fault := turn.state.faults.get((subject_of_camera(camera), MISSING)))
    }
    return tuple(sorted(since, key=lambda camera: (since[camera], camera)))


def _is_told(turn: Turn, incident: Incident, action: Action) -> bool:
    """Whether the console has a pop-up of this incident that can be changed, or its system has none at all.

    An update of nothing would open what nothing closes.
    """
    popups = [
        delivery.target
        for delivery in turn.state.deliveries_of(incident.id)
        if (delivery.driver, delivery.operation) == (action.driver, Operation.POPUP)
    ]
    return action.target in popups or not turn.plan.can(action.driver, Operation.POPUP)


def _latest_done(turn: Turn, incident: Incident, operation: Operation, action: Action) -> Delivery | None:
    """The last delivery of `operation` at the action's target that is known to be done."""
    done = [
        delivery
        for delivery in turn.state.deliveries_of(incident.id)
        if delivery.operation is operation
        and (delivery.driver, delivery.target) == (action.driver, action.target)
        and delivery.state.done
    ]
    return done[-1] if done else None


def _is_ours_alone(turn: Turn, incident: Incident, camera: str) -> bool:
    """Whether the incident has the camera, nobody waits for it, and no living incident looks through it."""
    at_drivers = turn.plan.cameras.get(camera, {}).items()
    recordings = [
        f"{operation}/{driver}/{target}" for driver, target in at_drivers for operation in _RECORDINGS
    ]
    return holds_now(turn, incident, ptz(camera)) and not any(
        hold.incident != incident.id and still_wants(turn.state.incidents.get(hold.incident))
        for resource in (ptz(camera), *recordings)
        for hold in turn.state.holds_on(resource)
    )
