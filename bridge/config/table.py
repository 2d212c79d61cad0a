"""The response table: which driver does what at which step. Called by `site` and `references`.

What the file does not say comes from `DEFAULT` and from what each driver can do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from bridge.config.instances import Instance
from bridge.config.sections import FileSection, RuleSection
from bridge.model import Capability, Operation
from bridge.response import Rule, Step

ON_CONSOLES: Final = frozenset({Operation.SHOW, Operation.POPUP, Operation.UPDATE_POPUP})
"""Operations whose target is a console; the others act on cameras, `notify` on dispatch groups."""

DEFAULT: Final[Mapping[Step, tuple[Operation, ...]]] = MappingProxyType(
    {
        Step.OFF_HOOK: (Operation.EVENT_START, Operation.RECALL_PRESET, Operation.SHOW, Operation.POPUP),
        Step.SOS: (
            Operation.START_RECORDING,
            Operation.EVENT_START,
            Operation.RECALL_PRESET,
            Operation.SHOW,
            Operation.POPUP,
            Operation.BOOKMARK,
        ),
        Step.CONNECTED: (Operation.UPDATE_POPUP,),
        # Dispatch is told too: what still rings for it falls silent, and the caller hears that it is had.
        Step.ACKNOWLEDGED: (Operation.UPDATE_POPUP, Operation.NOTIFY),
        Step.PRESSED_AGAIN: (Operation.SHOW, Operation.POPUP, Operation.BOOKMARK, Operation.NOTIFY),
        Step.ESCALATE_1: (Operation.POPUP,),
        Step.ESCALATE_2: (Operation.SHOW, Operation.POPUP),
        Step.NO_PICTURE: (Operation.NOTIFY,),
        Step.UNANSWERED: (Operation.NOTIFY,),
        Step.UNRESOLVED: (Operation.POPUP, Operation.NOTIFY),
        # Whoever still is rung for it need not come any more.
        Step.CLEARED: (Operation.UPDATE_POPUP, Operation.NOTIFY),
    }
)
"""What happens at each step, at every driver that can do it directly. A rule in a VMS that does more of it
belongs to the VMS. The camera is left where it is at the end: somebody may be using it by then."""

_EVERYWHERE: Final = frozenset({Step.ESCALATE_2})
"""Steps whose default reaches every console, not the location's alone."""


def effective_rules(file: FileSection, drivers: Sequence[Instance]) -> tuple[Rule, ...]:
    """Return the whole response table. Within a step the order is that of the file, or of the drivers."""
    return tuple(rule for step in Step for rule in _rules_of(step, file, drivers))


def _rules_of(step: Step, file: FileSection, drivers: Sequence[Instance]) -> Iterator[Rule]:
    if step in file.response:
        for rule in file.response[step]:
            yield _rule(step, rule, file)
    else:
        for driver in drivers:
            yield from _defaults(step, driver, file, drivers)


def _rule(step: Step, rule: RuleSection, file: FileSection) -> Rule:
    return Rule(
        step=step,
        operation=rule.operation,
        driver=rule.driver,
        consoles=rule.consoles,
        groups=(rule.groups or _groups(file)) if rule.operation is Operation.NOTIFY else (),
        max_views=rule.max_views,
    )


def _defaults(step: Step, driver: Instance, file: FileSection, drivers: Sequence[Instance]) -> Iterator[Rule]:
    table = driver.capabilities or {}
    for operation in DEFAULT[step]:
        if table.get(operation) not in (Capability.REPEATABLE, Capability.ASK_FIRST):
            continue
        if operation is Operation.RECALL_PRESET and not _recalls(driver, file, drivers):
            continue
        everywhere = step in _EVERYWHERE and operation in ON_CONSOLES
        yield Rule(
            step=step,
            operation=operation,
            driver=driver.name,
            consoles=tuple(file.consoles) if everywhere else (),
            groups=_groups(file) if operation is Operation.NOTIFY else (),
        )


def _groups(file: FileSection) -> tuple[str, ...]:
    return tuple(file.dispatch.groups) if file.dispatch else ()


def _recalls(driver: Instance, file: FileSection, drivers: Sequence[Instance]) -> bool:
    """Whether some camera is left to this driver: a preset is recalled once, by the first that can."""
    before = drivers[: drivers.index(driver)]
    earlier = {other.name for other in before if Operation.RECALL_PRESET in (other.operations or frozenset())}
    with_preset = {
        view.camera for location in file.locations.values() for view in location.cameras if view.preset
    }
    return any(
        driver.name in file.cameras[tag].ids and not earlier.intersection(file.cameras[tag].ids)
        for tag in with_preset
        if tag in file.cameras
    )
