"""The checks that need several lines of the file: names that must exist, things that must not clash.

Called by `loading` with everything that could be read; each check yields what is wrong, with its place.
`error` stops the bridge from starting, `warning` is shown by `sosbridge check`, `ok` is a hint.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from bridge.calls import extension_matches
from bridge.config.draft import Draft
from bridge.config.problems import Path, Position, Problem, path_text, unknown
from bridge.config.sections import NOT_NAMES, RuleSection
from bridge.config.table import ON_CONSOLES
from bridge.model import Operation
from bridge.response import Step

LOGINS: Final = ("originate", "heartbeat")
"""Settings of `dispatch` that are accounts of the PBX."""
Check = Callable[[Draft], Iterator[Problem]]


def find_problems(draft: Draft) -> Iterator[Problem]:
    """Run every check."""
    for check in CHECKS:
        yield from check(draft)


def _required(draft: Draft) -> Iterator[Problem]:
    for section, why, level in (
        ("site", "it needs `name` and `timezone`", "error"),
        ("alarm", "without `alarm.extensions` no call is an SOS", "error"),
        ("pbx", "no call can raise an alarm", "warning"),
        ("vms", "no picture can be shown or recorded", "warning"),
        ("dispatch", "nobody is called when no picture is confirmed", "warning"),
    ):
        if draft.document.at((section,)) is None:
            state = "empty" if section in draft.names() else "missing"
            yield Problem((section,), f"is {state}: {why}", level=level)


def _instance_names(draft: Draft) -> Iterator[Problem]:
    first: dict[str, Position] = {}
    named = [((*instance.path, "name"), instance.name) for instance in draft.instances if instance.name]
    for path, name in sorted(named, key=lambda entry: draft.document.position(entry[0])):
        if name in NOT_NAMES:
            yield Problem(path, f"must not be `{name}`: that word has a meaning under `cameras`")
        if name in first:
            yield Problem(path, f"`{name}` stands twice: first in line {first[name].line}")
        first.setdefault(name, draft.document.position(path))


def _alarm(draft: Draft) -> Iterator[Problem]:
    alarm = draft.file.alarm
    if alarm is None:
        return
    yield from _known(draft, ("alarm", "consoles"), alarm.consoles, "console", draft.names("consoles"))
    yield from _once(draft, ("alarm", "extensions"), alarm.extensions)
    for index, pattern in enumerate(alarm.extensions):
        for phone_id, phone in draft.file.phones.items():
            if extension_matches(pattern, phone.extension):
                line = draft.line("phones", phone_id)
                yield draft.problem(
                    ("alarm", "extensions", index),
                    f"is phone `{phone_id}`'s own (line {line}): an alarm extension belongs to nobody",
                )


def _phones(draft: Draft) -> Iterator[Problem]:
    extensions: dict[str, str] = {}
    endpoints: dict[str, str] = {}
    for phone_id, phone in draft.file.phones.items():
        path = ("phones", phone_id)
        if phone.location not in draft.names("locations"):
            text = unknown("location", phone.location, draft.names("locations"), none=": there are none")
            yield draft.problem((*path, "location"), text)
        if (other := extensions.setdefault(phone.extension, phone_id)) != phone_id:
            yield draft.problem((*path, "extension"), _taken(draft, "phones", other))
        other = endpoints.setdefault(phone.endpoint, phone_id)
        if other != phone_id and not (phone.shared and draft.file.phones[other].shared):
            remedy = "; if it is a gateway, mark both phones `shared: true`"
            yield draft.problem((*path, "endpoint"), _taken(draft, "phones", other) + remedy)


def _taken(draft: Draft, section: str, name: str) -> str:
    return f"is already used by `{name}` (line {draft.line(section, name)})"


def _locations(draft: Draft) -> Iterator[Problem]:
    phones_at: dict[str, list[str]] = defaultdict(list)
    for phone_id, phone in draft.file.phones.items():
        phones_at[phone.location].append(phone_id)
    for tag, location in draft.file.locations.items():
        path = ("locations", tag)
        yield from _known(draft, (*path, "consoles"), location.consoles, "console", draft.names("consoles"))
        yield from _once(draft, (*path, "cameras"), [view.camera for view in location.cameras])
        if not draft.document.at((*path, "cameras")):
            yield draft.problem(path, "has no cameras: nobody will see it", level="warning", key=True)
        if len(phones_at[tag]) > 1:
            names = ", ".join(phones_at[tag])
            hint = f"has {len(phones_at[tag])} phones ({names}): related on the screen, never merged"
            yield draft.problem(path, hint, level="ok", key=True)


def _views(draft: Draft) -> Iterator[Problem]:
    for tag, location in draft.file.locations.items():
        for index, view in enumerate(location.cameras):
            path = ("locations", tag, "cameras", index)
            camera = draft.file.cameras.get(view.camera)
            if view.camera not in draft.names("cameras"):
                text = unknown("camera", view.camera, draft.names("cameras"), none=": there are none")
                yield draft.problem((*path, "camera"), text)
            elif camera and view.preset and camera.presets:
                allowed = {**camera.presets, **dict.fromkeys(camera.presets.values())}
                if view.preset not in allowed:
                    text = unknown("preset", view.preset, camera.presets)
                    yield draft.problem((*path, "preset"), f"{text} (of camera `{view.camera}`)")


def _cameras(draft: Draft) -> Iterator[Problem]:
    owners: dict[tuple[str, str], str] = {}
    for tag, camera in draft.file.cameras.items():
        if not camera.ids:
            yield draft.problem(("cameras", tag), "is in no VMS: write `name-of-the-vms: id`", key=True)
        for driver, camera_id in camera.ids.items():
            path = ("cameras", tag, driver)
            if driver not in draft.driver_names:
                text = unknown("VMS", driver, draft.driver_names, none=": there are none")
                yield draft.problem(path, text, key=True)
            if (other := owners.setdefault((driver, camera_id), tag)) != tag:
                # A PTZ is held by its tag: under two tags, two incidents would move one camera.
                yield draft.problem(path, _taken(draft, "cameras", other))


def _consoles(draft: Draft) -> Iterator[Problem]:
    desks: dict[str, str] = {}
    phones = {phone.endpoint: phone_id for phone_id, phone in draft.file.phones.items()}
    for name, console in draft.file.consoles.items():
        path = ("consoles", name, "endpoint")
        if console.endpoint is None:
            continue
        if console.endpoint in phones:
            yield draft.problem(path, _taken(draft, "phones", phones[console.endpoint]))
        if (other := desks.setdefault(console.endpoint, name)) != name:
            yield draft.problem(path, _taken(draft, "consoles", other))


def _dispatch(draft: Draft) -> Iterator[Problem]:
    phones = {phone.endpoint: phone_id for phone_id, phone in draft.file.phones.items()}
    groups = draft.file.dispatch.groups if draft.file.dispatch else {}
    for name, group in groups.items():
        for tier, endpoints in enumerate(group.tiers):
            for index, endpoint in enumerate(endpoints):
                path = ("dispatch", "groups", name, "tiers", tier, index)
                if endpoint in phones:
                    text = f"is the help point `{phones[endpoint]}`: it cannot answer its own alarm"
                    yield draft.problem(path, text)
            yield from _once(draft, ("dispatch", "groups", name, "tiers", tier), endpoints)


def _pbx_of_drivers(draft: Draft) -> Iterator[Problem]:
    """A driver's own setting `pbx`, where its kind has one, names the PBX link that it goes with."""
    links = [instance.name for instance in draft.instances if instance.name and not instance.drives]
    for driver in draft.drivers:
        wanted = getattr(driver.config, "pbx", "")
        if wanted and wanted not in links:
            text = unknown("PBX link", wanted, links, none=": there are none")
            yield Problem((*driver.path, "pbx"), text)


def _ami_accounts(draft: Draft) -> Iterator[Problem]:
    """Each account of one PBX is its own: under a shared name, one would hear and may what another should."""
    watching = [link for link in draft.instances if link.type == "ami" and not link.drives]
    for driver in draft.drivers:
        wanted = getattr(driver.config, "pbx", "")
        watch = next((link for link in watching if wanted in ("", link.name)), None)
        accounts = [((*driver.path, name), getattr(driver.config, name, None)) for name in LOGINS]
        if watch is not None:
            accounts.insert(0, (watch.path, watch.config))
        first: dict[str, Path] = {}
        for section, account in accounts:
            username = getattr(account, "username", None)
            path = (*section, "username")
            if username is not None and (other := first.setdefault(username, path)) != path:
                line = draft.document.position(other).line
                yield Problem(path, f"is already used by `{path_text(other)}` (line {line})")


def _ways(draft: Draft) -> Iterator[Problem]:
    """Where the bridge itself is the exchange, it must know a way to every endpoint of the site.

    Beside another PBX an endpoint may be that one's, and nobody can tell from the file.
    """
    links = [instance for instance in draft.instances if not instance.drives]
    exchanges: list[Any] = [link.config for link in links if hasattr(link.config, "reaches")]
    for driver in draft.drivers:
        if driver.type == "sip_dispatch" and not any(link.type == "sip" for link in links):
            yield Problem((*driver.path, "type"), "needs a PBX link of type `sip`: there is none")
    if not exchanges or len(exchanges) < len(links):
        return
    for path, endpoint in _endpoints(draft):
        if not any(exchange.reaches(endpoint) for exchange in exchanges):
            text = "no way leads there: it has no account, trunk or registration under `pbx`"
            yield draft.problem(path, text)


def _endpoints(draft: Draft) -> Iterator[tuple[Path, str]]:
    for phone_id, phone in draft.file.phones.items():
        yield ("phones", phone_id, "endpoint"), phone.endpoint
    for name, console in draft.file.consoles.items():
        if console.endpoint is not None:
            yield ("consoles", name, "endpoint"), console.endpoint
    groups = draft.file.dispatch.groups if draft.file.dispatch else {}
    for name, group in groups.items():
        for tier, endpoints in enumerate(group.tiers):
            for index, endpoint in enumerate(endpoints):
                yield ("dispatch", "groups", name, "tiers", tier, index), endpoint


def _response(draft: Draft) -> Iterator[Problem]:
    for step, rules in draft.file.response.items():
        for index, rule in enumerate(rules):
            yield from _rule(draft, ("response", step.value, index), rule)
    notifies = draft.file.response.get(Step.NO_PICTURE)
    if notifies == () and draft.file.dispatch:
        yield draft.problem(
            ("response", "no_picture"), "is empty: dispatch is never told by the bridge", level="warning"
        )


def _rule(draft: Draft, path: Path, rule: RuleSection) -> Iterator[Problem]:
    yield from _ability(draft, path, rule)
    yield from _known(draft, (*path, "consoles"), rule.consoles, "console", draft.names("consoles"))
    groups = draft.names("dispatch", "groups")
    yield from _known(draft, (*path, "groups"), rule.groups, "dispatch group", groups)
    if rule.consoles and rule.operation not in ON_CONSOLES:
        yield draft.problem((*path, "consoles"), f"means nothing for `{rule.operation}`", key=True)
    if rule.groups and rule.operation is not Operation.NOTIFY:
        yield draft.problem((*path, "groups"), f"means nothing for `{rule.operation}`", key=True)
    if rule.operation is Operation.NOTIFY and not groups:
        yield draft.problem((*path, "do"), "`notify` needs groups under `dispatch.groups`")


def _ability(draft: Draft, path: Path, rule: RuleSection) -> Iterator[Problem]:
    driver = next((driver for driver in draft.drivers if driver.name == rule.driver), None)
    if driver is None:
        yield draft.problem(
            (*path, "with"), unknown("VMS", rule.driver, draft.driver_names, none=": there are none")
        )
    elif (able := driver.operations) is not None and rule.operation not in able:
        can = ", ".join(operation for operation in Operation if operation in able) or "nothing"
        yield draft.problem((*path, "do"), f"`{driver.name}` cannot `{rule.operation}`; it can: {can}")


def _times(draft: Draft) -> Iterator[Problem]:
    times = draft.file.times
    for early, late in (("escalate_1", "escalate_2"), ("recording_warning", "recording_cap")):
        if getattr(times, early) >= getattr(times, late):
            path = ("times", early if early in draft.names("times") else late)
            yield draft.problem(path, f"`{early}` must be shorter than `{late}`", key=True)


def _known(draft: Draft, path: Path, names: Iterable[str], what: str, known: list[str]) -> Iterator[Problem]:
    for index, name in enumerate(names):
        if name not in known:
            yield draft.problem((*path, index), unknown(what, name, known, none=": there are none"))


def _once(draft: Draft, path: Path, values: Iterable[str]) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value in seen:
            yield draft.problem((*path, index), f"`{value}` stands twice in this list")
        seen.add(value)


CHECKS: Final[tuple[Check, ...]] = (
    _required,
    _instance_names,
    _alarm,
    _phones,
    _locations,
    _views,
    _cameras,
    _consoles,
    _dispatch,
    _pbx_of_drivers,
    _ami_accounts,
    _ways,
    _response,
    _times,
)
