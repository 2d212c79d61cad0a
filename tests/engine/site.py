"""The plant of these tests: three posts, a gate behind a gateway, and cameras that they share.

PTZ-01 looks at posts 03 and 04, which also share the screen of desk-1. `zm` records, `wall` shows,
`dispatch` rings the group `east`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bridge.model import Location, Operation, Phone, View
from bridge.response import Fallback, Plan, Rule, Step

DESK: Final = "console-1"
"""PBX endpoint of the console at desk-1."""

RULES: Final = (
    Rule(step=Step.OFF_HOOK, operation=Operation.START_RECORDING, driver="zm", max_views=1),
    Rule(step=Step.OFF_HOOK, operation=Operation.RECALL_PRESET, driver="wall"),
    Rule(step=Step.OFF_HOOK, operation=Operation.SHOW, driver="wall", max_views=1),
    Rule(step=Step.OFF_HOOK, operation=Operation.POPUP, driver="wall"),
    Rule(step=Step.SOS, operation=Operation.START_RECORDING, driver="zm"),
    Rule(step=Step.SOS, operation=Operation.RECALL_PRESET, driver="wall"),
    Rule(step=Step.SOS, operation=Operation.SHOW, driver="wall"),
    Rule(step=Step.SOS, operation=Operation.POPUP, driver="wall"),
    Rule(step=Step.SOS, operation=Operation.BOOKMARK, driver="zm", max_views=1),
    Rule(step=Step.CONNECTED, operation=Operation.UPDATE_POPUP, driver="wall"),
    Rule(step=Step.ACKNOWLEDGED, operation=Operation.UPDATE_POPUP, driver="wall"),
    Rule(step=Step.PRESSED_AGAIN, operation=Operation.POPUP, driver="wall"),
    Rule(step=Step.PRESSED_AGAIN, operation=Operation.NOTIFY, driver="dispatch", groups=("east",)),
    Rule(step=Step.ESCALATE_1, operation=Operation.POPUP, driver="wall", consoles=("supervisor",)),
    Rule(step=Step.ESCALATE_2, operation=Operation.SHOW, driver="wall", consoles=("big",)),
    Rule(step=Step.NO_PICTURE, operation=Operation.NOTIFY, driver="dispatch", groups=("east",)),
    Rule(step=Step.UNANSWERED, operation=Operation.NOTIFY, driver="dispatch", groups=("east",)),
    Rule(step=Step.UNRESOLVED, operation=Operation.NOTIFY, driver="dispatch", groups=("east",)),
    Rule(step=Step.CLEARED, operation=Operation.UPDATE_POPUP, driver="wall"),
)
ENDS: Final = (
    Rule(step=Step.SOS, operation=Operation.BOOKMARK, driver="zm", wider=True),
    Rule(step=Step.SOS, operation=Operation.RECALL_PRESET, driver="wall", wider=True),
    Rule(step=Step.CLOSED, operation=Operation.EXTEND_BOOKMARK, driver="zm", wider=True),
    Rule(step=Step.CLOSED, operation=Operation.HOME, driver="wall"),
    Rule(step=Step.MISSED, operation=Operation.BOOKMARK_PAST, driver="wall", wider=True),
    Rule(step=Step.MISSED, operation=Operation.NOTIFY, driver="dispatch", groups=("east",)),
    Rule(step=Step.TAMPER, operation=Operation.START_RECORDING, driver="zm", max_views=1),
    Rule(step=Step.TAMPER, operation=Operation.RECALL_PRESET, driver="wall", max_views=1),
)
"""Rules of a site that also looks wider, extends its bookmarks, sends its cameras home, hears of an SOS of
the past, and has its cameras look where somebody meddles with a phone."""

PLAN: Final = Plan(
    site="Tank farm",
    timezone="Europe/Berlin",
    phones=(
        Phone(id="P-03", endpoint="1003", extension="1003", location="POST-03"),
        Phone(id="P-04", endpoint="1004", extension="1004", location="POST-04"),
        Phone(id="P-05", endpoint="1005", extension="1005", location="POST-04"),
        Phone(id="P-11", endpoint="gateway", extension="2011", location="GATE", shared=True),
        Phone(id="P-12", endpoint="gateway", extension="2012", location="GATE", shared=True),
    ),
    locations={
        "POST-03": Location(
            tag="POST-03",
            spoken="Tank farm east, post three",
            views=(View(camera="PTZ-01", preset="7"), View(camera="FIX-02")),
            consoles=("desk-1",),
        ),
        "POST-04": Location(
            tag="POST-04",
            spoken="Tank farm east, post four",
            views=(View(camera="PTZ-01", preset="8"), View(camera="FIX-03")),
            consoles=("desk-1",),
        ),
        "GATE": Location(tag="GATE", spoken="The gate", views=(View(camera="FIX-09"),), consoles=("desk-2",)),
    },
    cameras={
        tag: {"zm": f"zm-{tag}", "wall": f"wall-{tag}"} for tag in ("PTZ-01", "FIX-02", "FIX-03", "FIX-09")
    },
    alarm_extensions=("9110", "_911X"),
    consoles=("desk-1",),
    console_endpoints=frozenset({DESK}),
    capabilities={
        "zm": frozenset({Operation.START_RECORDING, Operation.STOP_RECORDING, Operation.BOOKMARK}),
        "wall": frozenset(
            {
                Operation.SHOW,
                Operation.HIDE,
                Operation.POPUP,
                Operation.UPDATE_POPUP,
                Operation.CLOSE_POPUP,
                Operation.RECALL_PRESET,
            }
        ),
        "dispatch": frozenset({Operation.NOTIFY}),
    },
    rules=RULES,
)

_MORE: Final = ("ALT-1", "ALT-2", "MAST")
FULL: Final = replace(
    PLAN,
    locations={
        **PLAN.locations,
        "POST-03": replace(
            PLAN.locations["POST-03"],
            wider=(View(camera="MAST", preset="3"),),
            alternates=(View(camera="ALT-1", preset="1"), View(camera="ALT-2")),
        ),
        "POST-04": replace(PLAN.locations["POST-04"], alternates=(View(camera="ALT-1", preset="2"),)),
    },
    cameras={**PLAN.cameras, **{tag: {"zm": f"zm-{tag}", "wall": f"wall-{tag}"} for tag in _MORE}},
    capabilities={
        **PLAN.capabilities,
        "zm": PLAN.capabilities["zm"] | {Operation.EXTEND_BOOKMARK, Operation.PROVE_LIVE},
        "wall": PLAN.capabilities["wall"] | {Operation.HOME, Operation.BOOKMARK_PAST},
    },
    rules=(
        *(
            rule
            for rule in RULES
            if (rule.step, rule.operation)
            not in {(Step.SOS, Operation.BOOKMARK), (Step.SOS, Operation.RECALL_PRESET)}
        ),
        *ENDS,
    ),
)
"""The same plant with a mast that sees both posts, and cameras that stand in for missing ones."""

WATCH: Final = "ami/pbx1"
"""Subject of the link that watches the PBX of `dispatch`."""
WITH_FALLBACK: Final = replace(
    FULL,
    rules=(
        *FULL.rules,
        *(
            Rule(step=step, operation=Operation.NOTIFY, driver="dispatch", groups=("east",))
            for step in (Step.ACKNOWLEDGED, Step.CLEARED)
        ),
    ),
    capabilities={**FULL.capabilities, "trunk": frozenset({Operation.NOTIFY})},
    fallbacks={"dispatch": Fallback(driver="trunk", links=(WATCH,))},
)
"""The full plant, where `trunk` rings the group whenever `dispatch` cannot, and dispatch is told when it need
not ring any more."""

MORE: Final = replace(
    WITH_FALLBACK,
    rules=(
        *WITH_FALLBACK.rules,
        Rule(step=Step.MORE_WANTED, operation=Operation.NOTIFY, driver="dispatch", groups=("east",)),
    ),
    acknowledgements=(2, 3),
)
"""The same, where two people must acknowledge an SOS, and three once the second tier is rung."""
