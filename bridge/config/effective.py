"""What is really in force: the file with every default filled in. Printed by `sosbridge config show`.

The result is a site file again. Secrets appear as what the file says about them: the place, never the value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.config.instances import Instance
from bridge.config.sections import FileSection
from bridge.config.site import Site
from bridge.model import Operation
from bridge.response import Rule, Step


def effective(site: Site) -> dict[str, Any]:
    """Return the effective settings as plain values, in the order of the file's sections."""
    shown = site.file.model_dump(mode="json", by_alias=True, exclude_none=True)
    shown["node"] = site.node
    shown["state_dir"] = str(site.state_dir)
    shown["store"]["url"] = site.database()[0]
    shown["alarm"]["consoles"] = list(site.plan().consoles)
    for instance in site.instances:
        if instance.stands_in_for:
            continue
        stanza: Any = shown
        for part in instance.path:
            stanza = stanza[part]
        stanza.update(_settings(instance))
    shown["response"] = {
        step.value: [_rule(rule) for rule in site.rules if rule.step is step] for step in Step
    }
    return {section: shown[section] for section in FileSection.model_fields if section in shown}


def _settings(instance: Instance) -> dict[str, Any]:
    """Return a stanza's settings: as written where written (a model need not give back what it took)."""
    if instance.config is None:
        return {}
    filled: dict[str, Any] = _overlaid(
        instance.config.model_dump(mode="json", by_alias=True), instance.written
    )
    return filled


def _overlaid(filled: Any, written: Any) -> Any:
    if not isinstance(filled, dict) or not isinstance(written, Mapping):
        return written
    return {
        name: _overlaid(value, written[name]) if name in written else value for name, value in filled.items()
    }


def _rule(rule: Rule) -> dict[str, Any]:
    cell: dict[str, Any] = {"do": rule.operation.value, "with": rule.driver}
    if rule.consoles:
        cell["consoles"] = list(rule.consoles)
    if rule.audience:
        cell["to"] = [audience.value for audience in rule.audience]
    if rule.operation is Operation.NOTIFY:
        cell["groups"] = list(rule.groups)
    if rule.max_views != Rule(step=rule.step, operation=rule.operation, driver=rule.driver).max_views:
        cell["max_views"] = rule.max_views
    if rule.wider:
        cell["wider"] = True
    if rule.unless:
        cell["unless"] = list(rule.unless)
    return cell
