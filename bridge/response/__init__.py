"""Which phone it is, how urgent, and which actions answer it. Pure; called by engine and ingest.

A `Plan` is the site's configuration as plain values (built by `bridge.config`). `identify` turns what
a source said about a phone into a configured phone; `actions_for` turns a step of an incident into
the ordered actions of the site's response table.
"""

from bridge.response.actions import Action, actions_for, describe, dispatch, ptz, resources_at
from bridge.response.names import name_of
from bridge.response.phones import TAMPERED, UNKNOWN_PHONE, identify, tier_of
from bridge.response.plan import OF_THE_PAST, Audience, Fallback, Plan, Rule, Step, Times
from bridge.response.views import every_view, stand_ins_at

__all__ = [
    "OF_THE_PAST",
    "TAMPERED",
    "UNKNOWN_PHONE",
    "Action",
    "Audience",
    "Fallback",
    "Plan",
    "Rule",
    "Step",
    "Times",
    "actions_for",
    "describe",
    "dispatch",
    "every_view",
    "identify",
    "name_of",
    "ptz",
    "resources_at",
    "stand_ins_at",
    "tier_of",
]
