"""What a step of an incident would ask of whom, and what would prove it. Pure; called by `sosbridge plan`.

The actions are those of the engine (`response.actions_for`): nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bridge.config import DriverSettings, Site
from bridge.config.exchange import tiers_by
from bridge.engine.fallback import ALONE
from bridge.model import UNDO, Capability, Incident, IncidentState, Operation, Phone, Tier
from bridge.response import Action, Step, actions_for
from bridge.triggers.sip import Config as ExchangeSettings

OF_ROUTINE: Final = frozenset({Step.OFF_HOOK, Step.TAMPER})
"""Steps that no SOS has."""
EXPECTED: Final = (Operation.START_RECORDING, Operation.SHOW, Operation.POPUP)
"""What an SOS should never be without."""
_FOLLOWS: Final = {Operation.EXTEND_BOOKMARK: Operation.BOOKMARK, Operation.HOME: Operation.RECALL_PRESET}
"""What is done only where something else was done before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What will be known afterwards. `state` is `verified`, `accepted`, or empty where nobody says."""

    state: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """Who rings a dispatch group where the driver cannot (`dispatch.fallback`)."""

    driver: str
    link: str
    """Name of the PBX link by which it rings."""
    after: float
    """Seconds that the driver has at most; less where it says no, or is known to be away."""
    rings: tuple[tuple[str, ...], ...]
    """Endpoints, tier by tier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """One action as it would be asked for."""

    order: int
    operation: Operation
    driver: str
    target: str
    """The driver's own id of it."""
    name: str
    """The site's: the camera's tag, the console's name, the group."""
    preset: str
    views: tuple[str, ...]
    """Tags of the cameras that are shown."""
    instead_of: str
    """Tag of the missing camera that this one stands in for."""
    capability: Capability
    proof: Proof
    by_rule: tuple[Operation, ...]
    """What rules in the VMS should do when this event arrives there."""
    undone_by: Operation | None
    """What follows by itself when the incident is over."""
    fallback: StandIn | None = None
    """Of a call to dispatch."""


def pretended(phone: Phone, step: Step, now: float, tier: Tier | None = None) -> Incident:
    """Return an incident that has come as far as this step; it is stored nowhere."""
    if tier is None:
        tier = Tier.ROUTINE if step in OF_ROUTINE else Tier.EMERGENCY
    return Incident(
        id="00000000-0000-0000-0000-000000000000",
        tier=tier,
        state=IncidentState.OPEN,
        phone=phone.id,
        location=phone.location,
        opened_at=now,
    )


def forecast(site: Site, incident: Incident, step: Step, missing: Sequence[str] = ()) -> list[Forecast]:
    """Return the actions of the step, in order, for an incident that took the usual way there.

    missing: tags of cameras that are taken for missing.
    """
    plan, drivers = site.plan(), {driver.name: driver for driver in site.drivers}
    first = Step.SOS if incident.tier is Tier.EMERGENCY else Step.OFF_HOOK
    before = {
        (done.operation, done.driver, done.target) for done in actions_for(first, incident, plan, missing)
    }
    actions = [
        action
        for action in actions_for(step, incident, plan, missing)
        if action.operation not in _FOLLOWS
        or (_FOLLOWS[action.operation], action.driver, action.target) in before
    ]
    found = [
        _forecast(order, action, drivers[action.driver]) for order, action in enumerate(actions, start=1)
    ]
    if step in ALONE:
        return found
    return [replace(each, fallback=_stand_in(site, each)) for each in found]


def lacking(forecasts: Sequence[Forecast]) -> Iterator[Operation]:
    """Yield what an SOS should not be without, and neither a driver nor a rule in a VMS does."""
    done = {each.operation for each in forecasts}.union(*(each.by_rule for each in forecasts))
    yield from (operation for operation in EXPECTED if operation not in done)


def _forecast(order: int, action: Action, driver: DriverSettings) -> Forecast:
    told = action.params
    capability = driver.capabilities[action.operation]
    is_event = action.operation is Operation.EVENT_START
    rules = (name for name, how in driver.capabilities.items() if how is Capability.BY_RULE)
    return Forecast(
        order=order,
        operation=action.operation,
        driver=action.driver,
        target=action.target,
        name=told.get("camera") or told.get("console") or action.target,
        preset=told.get("preset", ""),
        views=tuple(tag for tag in told.get("views", "").split(",") if tag),
        instead_of=told.get("instead_of", ""),
        capability=capability,
        proof=_proof(action.operation, capability, driver),
        by_rule=tuple(rules) if is_event else (),
        undone_by=UNDO.get(action.operation),
    )


def _stand_in(site: Site, call: Forecast) -> StandIn | None:
    plan, dispatch = site.plan(), site.file.dispatch
    second = plan.fallbacks.get(call.driver)
    if call.operation is not Operation.NOTIFY or second is None or dispatch is None:
        return None
    [link] = [each for each in site.triggers if each.name == dispatch.fallback]
    exchange = link.config
    if not isinstance(exchange, ExchangeSettings):  # `references` refuses such a file
        return None
    rings = tiers_by(dispatch.groups[call.target], exchange)
    return StandIn(driver=second.driver, link=link.name, after=plan.times.fallback, rings=rings)


def _proof(operation: Operation, capability: Capability, driver: DriverSettings) -> Proof:
    if capability is Capability.BY_RULE:
        return Proof(state="", text="a rule in the VMS does it, and nobody asks whether it did")
    if driver.proofs is None:
        return Proof(state="", text=f"see docs/drivers/{driver.type}.md")
    if operation in driver.proofs:
        return Proof(state="verified", text=driver.proofs[operation])
    return Proof(state="accepted", text="it says yes, and cannot be asked")
