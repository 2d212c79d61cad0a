"""What an exercise was to do and nobody was asked for: another incident has the camera, screen or recorder.

Pure; called by `sosbridge drill`. The engine asks for nothing that an incident has to wait for: it says so in
the incident's story, and an exercise waits for whatever a real SOS has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from bridge.cli.drill.receipts import Receipt, name_in
from bridge.model import Delivery, DeliveryState, Operation, TimelineEntry
from bridge.response import Action, Plan, name_of

FOLLOWS: Final = frozenset({Operation.EXTEND_BOOKMARK, Operation.HOME, Operation.UPDATE_POPUP})
"""Operations that are asked for only where something was done before."""
UNEXPLAINED: Final = "the running bridge has not asked for it: has it read this file?"


def withheld(
    planned: Iterable[Action], deliveries: Iterable[Delivery], story: Sequence[TimelineEntry], plan: Plan
) -> tuple[Receipt, ...]:
    """Return a receipt, `superseded`, for each planned action that is not among the deliveries, in order.

    planned: by `actions_for`. story: of the incident, in the order of time; the newest reason counts.
    """
    asked = {(delivery.operation, delivery.driver, delivery.target) for delivery in deliveries}
    return tuple(_receipts(planned, asked, story, plan))


def _receipts(
    planned: Iterable[Action],
    asked: set[tuple[Operation, str, str]],
    story: Sequence[TimelineEntry],
    plan: Plan,
) -> Iterator[Receipt]:
    for action in planned:
        what = action.operation, action.driver, action.target
        if what in asked or action.operation in FOLLOWS:
            continue
        yield Receipt(
            operation=action.operation,
            driver=action.driver,
            target=action.target,
            name=name_in(action.params) or action.target,
            state=DeliveryState.SUPERSEDED,
            proof=_reason(action, story, plan),
            ms=None,
        )


def _reason(action: Action, story: Sequence[TimelineEntry], plan: Plan) -> str:
    begins = f"{name_of(action.resource, plan)} is used by "  # as `engine.holds` says it
    told = (entry.text for entry in reversed(story) if action.resource and entry.text.startswith(begins))
    return next(told, UNEXPLAINED)
