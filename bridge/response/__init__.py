"""Which phone it is, how urgent, and which actions answer it. Pure; called by engine and ingest.

A `Plan` is the site's configuration as plain values (built by `bridge.config`). `identify` turns what
a source said about a phone into a configured phone; `actions_for` turns a step of an incident into
the ordered actions of the site's response table.
"""

from bridge.response.actions import Action, actions_for, describe, resources_at
from bridge.response.phones import UNKNOWN_PHONE, identify, tier_of
from bridge.response.plan import Plan, Rule, Step, Times

__all__ = [
    "UNKNOWN_PHONE",
    "Action",
    "Plan",
    "Rule",
    "Step",
    "Times",
    "actions_for",
    "describe",
    "identify",
    "resources_at",
    "tier_of",
]
