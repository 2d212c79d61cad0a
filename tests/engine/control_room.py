"""A plant to act in, whose scenes read like the table "Who rings when" of the semantics.

    room.press("P-03")
    room.expects("P-03", *SOS_AT_03)
    room.after(4.0)
    room.expects("P-03", "dispatch notify east")

Time stands still but for `after`, which lets due timers fire in their order. What is asked of a driver and
not named by `expects` fails the test, at the latest when the room is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from bridge.engine import Decision
from bridge.model import CALL_KINDS, NOTHING, Delivery, Event, Fault, Incident, IncidentState, Kind, Timer
from bridge.response import Plan, identify
from tests.engine import invariants
from tests.engine.database import Database
from tests.engine.site import PLAN

START = 1_700_000_000.0
PBX = "asterisk/pbx1"

SOS_AT_03 = (
    "zm start_recording PTZ-01",
    "zm start_recording FIX-02",
    "wall recall_preset PTZ-01",
    "wall show desk-1",
    "wall popup desk-1",
    "zm bookmark PTZ-01",
)
SOS_AT_04 = tuple(line.replace("FIX-02", "FIX-03") for line in SOS_AT_03)
ROUTINE_AT_03 = (
    "zm start_recording PTZ-01",
    "wall recall_preset PTZ-01",
    "wall show desk-1",
    "wall popup desk-1",
)
STOP_SOS_AT_03 = (
    "zm stop_recording PTZ-01",
    "zm stop_recording FIX-02",
    "wall hide desk-1",
    "wall close_popup desk-1",
)
STOP_ROUTINE_AT_03 = ("zm stop_recording PTZ-01", "wall hide desk-1", "wall close_popup desk-1")
DISPATCH = "dispatch notify east"
TOLD = "wall update_popup desk-1"


@dataclass(frozen=True)
class Dialled:
    """A call by its identity: what all of its events have in common."""

    key: str
    endpoint: str
    caller: str
    dialled: str
    direction: str = "out"


class ControlRoom:
    """`with ControlRoom() as room:`"""

    def __init__(self, plan: Plan = PLAN) -> None:
        self.now = START
        self.database = Database(plan=plan)
        self.history: list[tuple[Event, float]] = []
        self.decisions: list[Decision] = []
        self._expected: set[str] = set()
        self._calls = 0
        self._marks = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, error: type[BaseException] | None, value: BaseException | None, where: TracebackType | None
    ) -> None:
        if error is None:
            self.expects_nothing_more()

    # --- events in ----------------------------------------------------------------------------------

    def accept(self, event: Event) -> Decision | None:
        """Identify, decide and store one event; None if it concerns nobody here."""
        identified = identify(event, self.database.plan)
        if identified is None:
            return None
        before = self.database.copy()
        [decision] = self.database.transact([identified], self.now)
        self.history.append((identified, self.now))
        self.decisions.append(decision)
        invariants.check(self.database, before, decision)
        return decision

    def event(
        self,
        kind: Kind,
        *,
        key: str = "",
        source: str = PBX,
        at: float | None = None,
        attributes: Mapping[str, str] = NOTHING,
        **fields: str,
    ) -> Decision | None:
        """Accept an event that happens now, or happened `at`; a key of its own unless `key` names one."""
        self._marks += 1
        return self.accept(
            Event(
                kind=kind,
                source=source,
                key=key or f"mark-{self._marks}",
                occurred_at=self.now if at is None else at,
                attributes=attributes,
                **fields,  # type: ignore[arg-type]  # endpoint, caller, dialled, incident: all text
            )
        )

    # --- calls --------------------------------------------------------------------------------------

    def call(self, phone: str, dialled: str = "9110", *, key: str = "", caller: str | None = None) -> Dialled:
        """A call that `phone` (its id, or any endpoint) is going to make; nothing has happened yet."""
        self._calls += 1
        known = self.database.plan.by_id.get(phone)
        endpoint = known.endpoint if known else phone
        number = (known.extension if known else phone) if caller is None else caller
        return Dialled(key or f"{START + self._calls:.0f}.{self._calls}", endpoint, number, dialled)

    def press(self, phone: str, dialled: str = "9110", **marks: str) -> Dialled:
        """The phone dials; an SOS unless `dialled` is no alarm extension."""
        call = self.call(phone, dialled)
        self.says(Kind.CALL_DIALING, call, at=None, **marks)
        return call

    def ring(self, phone: str, caller: str = "dispatcher") -> Dialled:
        """Somebody calls the phone."""
        out = self.call(phone)
        call = Dialled(out.key, out.endpoint, caller, out.endpoint, "in")
        self.says(Kind.CALL_DIALING, call)
        return call

    def says(
        self, kind: Kind, call: Dialled, *, at: float | None = None, **attributes: str
    ) -> Decision | None:
        """Accept one event of `call`."""
        assert kind in CALL_KINDS
        return self.event(
            kind,
            key=call.key,
            endpoint=call.endpoint,
            caller=call.caller,
            dialled=call.dialled,
            at=at,
            attributes={"direction": call.direction, **attributes},
        )

    def finds(self, call: Dialled, *, at: float, owed: str = "missed", **said: str) -> Decision | None:
        """A log tells of a call that is over."""
        return self.event(
            Kind.MISSED,
            key=call.key,
            endpoint=call.endpoint,
            caller=call.caller,
            dialled=call.dialled,
            at=at,
            attributes={"owed": owed, "outcome": "abandoned", "ended_at": repr(at + 8.0), **said},
        )

    def answer(self, call: Dialled) -> None:
        self.says(Kind.CALL_ANSWERED, call)

    def connect(self, call: Dialled, to: str) -> None:
        self.says(Kind.CALL_CONNECTED, call, connected_to=to)

    def hang_up(self, call: Dialled, by: str = "caller") -> None:
        self.says(Kind.CALL_ENDED, call, ended_by=by)

    # --- people -------------------------------------------------------------------------------------

    def acknowledge(self, by: str, phone: str) -> None:
        self.event(Kind.ACKNOWLEDGED, incident=self.incident(phone).id, attributes={"by": by, "how": "click"})

    def resolve(self, by: str, phone: str) -> None:
        self.event(Kind.RESOLVED, incident=self.incident(phone).id, attributes={"by": by})

    # --- time ---------------------------------------------------------------------------------------

    def after(self, seconds: float) -> None:
        """Let time pass; timers fire when they are due."""
        until = self.now + seconds
        while (timer := self.next_timer()) is not None and timer.due_at <= until:
            self.now = max(self.now, timer.due_at)
            self.fire(timer)
            assert self.next_timer() != timer, f"{timer} is due for ever"
        self.now = until

    def next_timer(self) -> Timer | None:
        timers = self.database.rows.timers.values()
        return min(timers, key=lambda timer: (timer.due_at, timer.name, timer.incident), default=None)

    def fire(self, timer: Timer) -> Decision | None:
        """Hand in a timer as ingest does; a stale one too."""
        return self.event(
            Kind.TIMER_DUE,
            source="timer",
            key=f"{timer.incident}/{timer.name}/{timer.due_at!r}",
            at=timer.due_at,
            incident=timer.incident,
            attributes={"name": timer.name, "due_at": repr(timer.due_at)},
        )

    # --- drivers ------------------------------------------------------------------------------------

    def settle(self, phone: str, line: str, state: str, **attributes: str) -> None:
        """The latest delivery of this line at the phone's incident ends so."""
        mine = [row for row in self.database.asked if row.incident == self.incident(phone).id]
        delivery = [row for row in mine if _line(row) == line][-1]
        self.settle_delivery(self.database.rows.deliveries[delivery.id], state, **attributes)

    def settle_delivery(self, delivery: Delivery, state: str, **attributes: str) -> Decision | None:
        """An attempt of `delivery` ends; `retry` means that another follows."""
        attempts = delivery.attempts + 1
        said: Mapping[str, str] = {
            "delivery": delivery.id,
            "state": state,
            "attempts": str(attempts),
            "proof": "said the driver",
            **({"camera": delivery.params["camera"]} if "camera" in delivery.params else {}),
            "started_at": repr(self.now),
            **({"next_attempt_at": repr(self.now + 1.0)} if state == "retry" else {}),
            **attributes,
        }
        return self.event(
            Kind.DELIVERY_SETTLED,
            source="outbox",
            key=f"{delivery.id}/{attempts}/{state}",
            incident=delivery.incident,
            attributes=said,
        )

    def settle_all(self, state: str = "verified") -> None:
        """Every delivery under way ends so."""
        for delivery in list(self.database.rows.deliveries.values()):
            if not delivery.state.settled:
                self.settle_delivery(delivery, state)

    def link(self, driver: str, *, up: bool) -> None:
        """The driver's breaker opens or closes."""
        kind = Kind.LINK_RESTORED if up else Kind.LINK_LOST
        self.event(kind, source="outbox", attributes={"subject": f"driver/{driver}", "text": "no answer"})

    # --- what is seen -------------------------------------------------------------------------------

    def expects(self, phone: str, *lines: str, **params: str) -> None:
        """These, in this order, were asked for this phone's newest incident since the last look, and no more.

        params: what the last of them says.
        """
        new = [row for row in self._unseen() if row.incident == self.incident(phone).id]
        assert [_line(row) for row in new] == list(lines)
        self._expected.update(row.id for row in new)
        for name, value in params.items():
            assert new[-1].params[name] == value

    def expects_nothing_more(self) -> None:
        phones = self.database.rows.incidents
        assert [f"{phones[row.incident].phone}: {_line(row)}" for row in self._unseen()] == []

    def forget(self) -> None:
        """What was asked for so far is not what this scene is about."""
        self._expected.update(row.id for row in self.database.asked)

    def _unseen(self) -> Iterable[Delivery]:
        return [row for row in self.database.asked if row.id not in self._expected]

    def incidents(self, phone: str) -> list[Incident]:
        """The phone's incidents, oldest first; exercises too."""
        return [row for row in self.database.rows.incidents.values() if row.phone == phone]

    def incident(self, phone: str) -> Incident:
        """The phone's newest incident."""
        return self.incidents(phone)[-1]

    def state(self, phone: str) -> IncidentState:
        return self.incident(phone).state

    def delivery(self, phone: str, line: str) -> Delivery:
        """The latest delivery of this line at the phone's newest incident, as it is now."""
        mine = [row for row in self.database.asked if row.incident == self.incident(phone).id]
        return self.database.rows.deliveries[[row for row in mine if _line(row) == line][-1].id]

    def timers(self, phone: str) -> dict[str, float]:
        """name -> seconds from now."""
        mine = self.incident(phone).id
        rows = self.database.rows.timers.values()
        return {row.name: row.due_at - self.now for row in rows if row.incident == mine}

    def story(self, phone: str) -> list[str]:
        mine = self.incident(phone).id
        return [entry.text for entry in self.database.timeline if entry.incident == mine]

    def fault(self, subject: str, what: str) -> Fault | None:
        """The open fault."""
        return self.database.rows.faults.get((subject, what))

    def holder(self, resource: str) -> list[str]:
        """The phones that have the resource."""
        rows = self.database.rows
        having = [hold for hold in rows.holds.values() if hold.resource == resource and hold.held]
        return sorted(rows.incidents[hold.incident].phone for hold in having)


def _line(delivery: Delivery) -> str:
    what = delivery.params.get("camera") or delivery.target
    return f"{delivery.driver} {delivery.operation} {what}"
