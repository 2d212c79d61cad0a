"""What the bridge commits, told as it happens: incidents, receipts, and why it does what it does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from bridge.cli.demo import page as look
from bridge.cli.demo.page import Page
from bridge.config import Site
from bridge.config.problems import plural
from bridge.engine import Decision, Reason
from bridge.ingest import Committed
from bridge.model import Delivery, DeliveryState, Incident, Operation
from bridge.response import Step

_PHRASES: Final[dict[Operation, Callable[[Delivery], str]]] = {
    Operation.START_RECORDING: lambda d: f"records {_camera(d)}",
    Operation.STOP_RECORDING: lambda d: f"stops recording {_camera(d)}",
    Operation.BOOKMARK: lambda d: f"bookmarks {_camera(d)}",
    Operation.BOOKMARK_PAST: lambda d: f"marks then at {_camera(d)}",
    Operation.EXTEND_BOOKMARK: lambda d: f"marks the end of {_camera(d)}",
    Operation.LOCK_EVIDENCE: lambda d: f"keeps footage of {_camera(d)}",
    Operation.PROVE_LIVE: lambda d: f"looks through {_camera(d)}",
    Operation.RECALL_PRESET: lambda d: f"turns {_camera(d)} to preset {d.params.get('preset')}",
    Operation.HOME: lambda d: f"turns {_camera(d)} home",
    Operation.SHOW: lambda d: f"shows {_count(d)} on {d.target}",
    Operation.HIDE: lambda d: f"clears {d.target}",
    Operation.POPUP: lambda d: f"pops up on {d.target}",
    Operation.UPDATE_POPUP: lambda d: f"updates the pop-up on {d.target}",
    Operation.CLOSE_POPUP: lambda d: f"closes the pop-up on {d.target}",
    Operation.EVENT_START: lambda d: f"begins event of {_camera(d)}",
    Operation.EVENT_STOP: lambda d: f"ends event of {_camera(d)}",
    Operation.BEACON_ON: lambda d: f"switches beacon {d.target} on",
    Operation.BEACON_OFF: lambda d: f"switches beacon {d.target} off",
    Operation.NOTIFY: lambda d: f"calls group {d.target}" if calls(d) else f"tells {d.target}: taken",
}


def phrase(delivery: Delivery) -> str:
    """Say what a driver was asked to do."""
    return _PHRASES[delivery.operation](delivery)


class Teller:
    """Prints what is committed. Knows what it has told, so that nothing is told twice."""

    def __init__(self, page: Page, site: Site) -> None:
        self._page: Final = page
        self._site: Final = site
        self._incidents: Final[set[str]] = set()
        self._settled: Final[set[str]] = set()
        self._unreachable: Final[set[tuple[str, str]]] = set()

    def take(self, committed: Committed) -> None:
        for decision in committed.decisions:
            self._tell_incidents(decision)
            for delivery in decision.deliveries.values():
                self._tell_delivery(delivery)
            for at, text in self._notes(decision):
                self._page.line(at, "bridge", text, look.BRIDGE)

    def _tell_incidents(self, decision: Decision) -> None:
        for incident in decision.incidents.values():
            if incident.id not in self._incidents:
                self._incidents.add(incident.id)
                self._page.line(
                    incident.opened_at,
                    "bridge",
                    f"opens incident {short(incident)}: {self._place(incident)}",
                    look.BRIDGE,
                )

    def _place(self, incident: Incident) -> str:
        place = self._site.file.locations.get(incident.location)
        return place.spoken if place else "location unknown"

    def _tell_delivery(self, delivery: Delivery) -> None:
        if not delivery.state.settled:
            self._tell_trouble(delivery)
        elif delivery.id not in self._settled and delivery.state is not DeliveryState.SUPERSEDED:
            self._settled.add(delivery.id)
            self._page.receipt(delivery, phrase(delivery))

    def _tell_trouble(self, delivery: Delivery) -> None:
        """A driver that cannot be reached says so at each action: once is enough."""
        trouble = delivery.incident, delivery.driver
        if delivery.attempts and delivery.proof and trouble not in self._unreachable:
            self._unreachable.add(trouble)
            at = delivery.started_at or delivery.created_at
            why = delivery.proof.rsplit(": ", 1)[-1]
            self._page.line(at, delivery.driver, f"fails, and is tried again: {why}", look.BAD)

    def _notes(self, decision: Decision) -> Iterator[tuple[float, str]]:
        """Yield what the incident's story says beside the receipts, which have lines of their own."""
        told = tuple(f"{d.driver} {d.operation.replace('_', ' ')} " for d in decision.deliveries.values())
        for entry in decision.timeline:
            is_receipt = decision.reason in (Reason.SETTLED, Reason.RETRY) and entry.text.startswith(told)
            if not is_receipt and decision.reason is not Reason.LATE:
                yield entry.at, entry.text


def short(incident: Incident) -> str:
    """The beginning of its id, which every command takes for the whole."""
    return incident.id[:8]


def calls(delivery: Delivery) -> bool:
    """Whether dispatch is called; once somebody has it, it is told that nobody need be called any more."""
    return delivery.operation is Operation.NOTIFY and not delivery.step.startswith(Step.ACKNOWLEDGED)


def states_of(deliveries: Sequence[Delivery]) -> str:
    """Say how many actions there were, and how each ended: `21: 19 verified, 2 superseded`."""
    states = Counter(delivery.state for delivery in deliveries)
    ended = ", ".join(f"{count} {state}" for state, count in states.most_common())
    return f"{len(deliveries)}: {ended}"


def account_for(deliveries: Sequence[Delivery]) -> tuple[bool, str]:
    """Say of all actions which have a receipt, and whether nothing is wrong with the others.

    What was asked for anew before it was sent is nobody's loss.
    """
    done = sum(delivery.state.done for delivery in deliveries)
    anew = sum(delivery.state is DeliveryState.SUPERSEDED for delivery in deliveries)
    neither = len(deliveries) - done - anew
    parts = [f"of its {plural(len(deliveries), 'action')} {done} got a receipt"]
    parts += [f"{anew} asked for anew"] if anew else []
    parts += [f"{neither} WITHOUT"] if neither else []
    return not neither, ", ".join(parts)


def _camera(delivery: Delivery) -> str:
    return delivery.params.get("camera") or delivery.target


def _count(delivery: Delivery) -> str:
    cameras = len([view for view in delivery.params.get("views", "").split(",") if view])
    return "1 camera" if cameras == 1 else f"{cameras} cameras"
