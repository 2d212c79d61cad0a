"""The response table: which driver does what at which step. Called by `site` and `references`.

What the file does not say comes from `DEFAULT` and from what each driver can do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bridge.config.instances import Instance
from bridge.config.sections import FileSection, RuleSection
from bridge.model import Capability, Operation
from bridge.response import Audience, Rule, Step

ON_CONSOLES: Final = frozenset({Operation.SHOW, Operation.POPUP, Operation.UPDATE_POPUP})
"""Operations whose target is a console; the others act on cameras, `notify` on dispatch groups."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One action of the default table, at every driver that can do it directly."""

    operation: Operation
    to: tuple[Audience, ...] = ()
    wider: bool = False
    max_views: int = RuleSection.model_fields["max_views"].default


_ASSIGNED: Final = (Audience.ASSIGNED,)
_CONCERNED: Final = (Audience.LOCATION, Audience.SUPERVISORS)
_notify: Final = Cell(Operation.NOTIFY)

DEFAULT: Final[Mapping[Step, tuple[Cell, ...]]] = MappingProxyType(
    {
        Step.OFF_HOOK: (
            Cell(Operation.START_RECORDING),
            Cell(Operation.EVENT_START),
            Cell(Operation.RECALL_PRESET, max_views=1),
            Cell(Operation.SHOW, to=_ASSIGNED, max_views=2),
            Cell(Operation.POPUP, to=_ASSIGNED),
        ),
        Step.SOS: (
            Cell(Operation.BEACON_ON),
            Cell(Operation.START_RECORDING, wider=True),
            Cell(Operation.EVENT_START, wider=True),
            Cell(Operation.RECALL_PRESET, wider=True),
            Cell(Operation.PROVE_LIVE),
            Cell(Operation.SHOW, to=_CONCERNED, wider=True),
            Cell(Operation.POPUP, to=_CONCERNED),
            Cell(Operation.BOOKMARK, wider=True),
            Cell(Operation.LOCK_EVIDENCE, wider=True),
        ),
        Step.CONNECTED: (Cell(Operation.UPDATE_POPUP, to=(Audience.LOCATION,)),),
        # Dispatch is told too: what still rings for it falls silent, and the caller hears that it is had.
        Step.ACKNOWLEDGED: (Cell(Operation.UPDATE_POPUP, to=_CONCERNED), _notify),
        Step.PRESSED_AGAIN: (
            Cell(Operation.SHOW, to=_CONCERNED, wider=True),
            Cell(Operation.POPUP, to=_CONCERNED),
            Cell(Operation.BOOKMARK, wider=True),
            _notify,
        ),
        Step.ESCALATE_1: (Cell(Operation.POPUP, to=(Audience.NEXT,)),),
        Step.ESCALATE_2: (
            Cell(Operation.SHOW, to=(Audience.WALLS,), wider=True),
            Cell(Operation.POPUP, to=(Audience.EVERYONE,)),
            _notify,
        ),
        Step.NO_PICTURE: (_notify,),
        Step.UNANSWERED: (_notify,),
        Step.MORE_WANTED: (_notify,),
        Step.UNRESOLVED: (Cell(Operation.POPUP, to=_CONCERNED), _notify),
        # Whoever still is rung for it need not come any more.
        Step.CLEARED: (Cell(Operation.UPDATE_POPUP, to=_CONCERNED), _notify),
        Step.CLOSED: (Cell(Operation.EXTEND_BOOKMARK, wider=True), Cell(Operation.HOME, wider=True)),
        Step.TAMPER: (),
        Step.MISSED: (Cell(Operation.BOOKMARK_PAST, wider=True), _notify),
    }
)
"""What happens at each step, at every driver that can do it directly. A rule in a VMS that does more of it
belongs to the VMS."""

_DIRECT: Final = frozenset({Capability.REPEATABLE, Capability.ASK_FIRST})
_ONCE: Final = frozenset({Operation.RECALL_PRESET, Operation.HOME})
"""What moves a camera: one driver does it, whatever others could."""


def effective_rules(file: FileSection, drivers: Sequence[Instance]) -> tuple[Rule, ...]:
    """Return the whole response table. Within a step the order is that of the file, or of the drivers."""
    return tuple(rule for step in Step for rule in _rules_of(step, file, drivers))


def _rules_of(step: Step, file: FileSection, drivers: Sequence[Instance]) -> Iterator[Rule]:
    if step in file.response:
        for rule in file.response[step]:
            yield _rule(step, rule, file)
    else:
        rules = [rule for driver in drivers for rule in _defaults(step, driver, file, drivers)]
        # A lamp needs no picture, and whoever called sees that it was heard.
        yield from sorted(rules, key=lambda rule: rule.operation is not Operation.BEACON_ON)


def _rule(step: Step, rule: RuleSection, file: FileSection) -> Rule:
    return Rule(
        step=step,
        operation=rule.operation,
        driver=rule.driver,
        consoles=rule.consoles,
        audience=rule.to,
        groups=(rule.groups or _groups(file)) if rule.operation is Operation.NOTIFY else (),
        max_views=rule.max_views,
        wider=rule.wider,
        unless=rule.unless,
    )


def _defaults(step: Step, driver: Instance, file: FileSection, drivers: Sequence[Instance]) -> Iterator[Rule]:
    if step is Step.MORE_WANTED and not wants_more(file):
        return
    before = drivers[: drivers.index(driver)]
    earlier = tuple(other.name for other in before if _does(other, Operation.RECALL_PRESET))
    for cell in DEFAULT[step]:
        if not _does(driver, cell.operation):
            continue
        if cell.operation in _ONCE and not _is_left_to(driver, earlier, file):
            continue
        yield Rule(
            step=step,
            operation=cell.operation,
            driver=driver.name,
            audience=cell.to,
            groups=_groups(file) if cell.operation is Operation.NOTIFY else (),
            max_views=cell.max_views,
            wider=cell.wider,
            unless=earlier if cell.operation in _ONCE else (),
        )


def _does(driver: Instance, operation: Operation) -> bool:
    """Whether the default table asks this of the driver.

    Going home, only of one that can ask first: it leaves the camera where an operator has moved it since.
    """
    how = (driver.capabilities or {}).get(operation)
    return how is Capability.ASK_FIRST if operation is Operation.HOME else how in _DIRECT


def wants_more(file: FileSection) -> bool:
    """Whether some dispatch group wants more than one person to acknowledge an SOS."""
    return any(wanted > 1 for wanted in acknowledgements(file))


def acknowledgements(file: FileSection) -> tuple[int, ...]:
    """Return how many people are wanted, tier by tier: of groups that differ, the largest number.

    A group whose tiers are all rung goes on with its last number.
    """
    groups = file.dispatch.groups.values() if file.dispatch else ()
    depth = max((len(group.tiers) for group in groups), default=0)
    return tuple(max(group.wanted(tier) for group in groups) for tier in range(depth))


def _groups(file: FileSection) -> tuple[str, ...]:
    return tuple(file.dispatch.groups) if file.dispatch else ()


def _is_left_to(driver: Instance, earlier: Sequence[str], file: FileSection) -> bool:
    """Whether some camera is left to this driver: one driver moves it, and the same sends it home."""
    with_preset = {
        view.camera for location in file.locations.values() for view in location.views if view.preset
    }
    return any(
        driver.name in file.cameras[tag].ids and file.cameras[tag].ids.keys().isdisjoint(earlier)
        for tag in with_preset
        if tag in file.cameras
    )
