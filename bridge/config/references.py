"""The checks that need several lines of the file: names that must exist, things that must not clash.

Called by `loading` with everything that could be read; each check yields what is wrong, with its place.
`error` stops the bridge from starting, `warning` is shown by `sosbridge check`, `ok` is a hint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from bridge.config import plant_checks
from bridge.config.draft import Draft, each_known, each_once
from bridge.config.instances import FALLBACK
from bridge.config.plant import BESIDE_IDS
from bridge.config.problems import Path, Position, Problem, listing, path_text, plural, unknown
from bridge.config.sections import GroupSection, RuleSection
from bridge.config.table import ON_CONSOLES, wants_more
from bridge.model import Operation
from bridge.protocols.syslog_settings import SyslogTls, Transport
from bridge.response import OF_THE_PAST, Step

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
        if name in BESIDE_IDS:
            yield Problem(path, f"must not be `{name}`: that word has a meaning under `{BESIDE_IDS[name]}`")
        if name in first:
            yield Problem(path, f"`{name}` stands twice: first in line {first[name].line}")
        first.setdefault(name, draft.document.position(path))


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
            yield from each_once(draft, ("dispatch", "groups", name, "tiers", tier), endpoints)


def _languages(draft: Draft) -> Iterator[Problem]:
    """Who is to hear a language is somebody who is rung."""
    dispatch = draft.file.dispatch
    if dispatch is None:
        return
    groups = dispatch.groups.values()
    rung = {endpoint for group in groups for tier in (*group.tiers, *group.fallback) for endpoint in tier}
    for endpoint in dispatch.languages:
        if endpoint not in rung:
            text = unknown("endpoint of a dispatch group", endpoint, sorted(rung))
            yield draft.problem(("dispatch", "languages", endpoint), text, key=True)


def _acknowledgements(draft: Draft) -> Iterator[Problem]:
    """No more people are wanted than are rung."""
    for name, group in (draft.file.dispatch.groups if draft.file.dispatch else {}).items():
        path: Path = ("dispatch", "groups", name, "acknowledgements")
        written = draft.document.at(path)
        numbers = len(written) if isinstance(written, list) else 1
        if numbers != len(group.acknowledgements):
            continue  # some of them are no numbers: that is said already
        if numbers not in (1, len(group.tiers)):
            text = f"needs {plural(len(group.tiers), 'number')}, one for each of `tiers`, or one for all"
            yield draft.problem(path, text, key=True)
        else:
            yield from _enough_people(draft, path, group)


def _enough_people(draft: Draft, path: Path, group: GroupSection) -> Iterator[Problem]:
    people: set[str] = set()
    for tier, endpoints in enumerate(group.tiers):
        people.update(endpoints)
        if (wanted := group.wanted(tier)) > len(people):
            rung = f"{'tier 1 has' if tier == 0 else f'tiers 1 to {tier + 1} have'} {len(people)}"
            where = (*path, tier) if len(group.acknowledgements) > 1 else path
            yield draft.problem(where, f"wants {wanted} people to acknowledge, but {rung}")
            return


def _fallback(draft: Draft) -> Iterator[Problem]:
    """Who rings dispatch where the PBX is away: an exchange of ours, which knows a way to each group."""
    dispatch = draft.file.dispatch
    for name, group in (dispatch.groups if dispatch else {}).items():
        path = ("dispatch", "groups", name, "fallback")
        if group.fallback and draft.document.at(("dispatch", "fallback")) is None:
            yield draft.problem(path, "means nothing without `dispatch.fallback`", key=True)
    if dispatch is None or dispatch.fallback is None:
        return
    if dispatch.type == FALLBACK:
        yield draft.problem(("dispatch", "fallback"), f"means nothing for `type: {FALLBACK}`", key=True)
        return
    links = {link.name: link.config for link in draft.instances if link.type == "sip" and not link.drives}
    exchange: Any = links.get(dispatch.fallback)
    if dispatch.fallback not in links:
        text = unknown("PBX link of type `sip`", dispatch.fallback, list(links), none=": there are none")
        yield draft.problem(("dispatch", "fallback"), text)
    elif exchange is not None:
        for name, group in dispatch.groups.items():
            yield from _reached(draft, name, group, exchange)


def _reached(draft: Draft, name: str, group: GroupSection, exchange: Any) -> Iterator[Problem]:
    path: Path = ("dispatch", "groups", name)
    if not group.fallback and not any(
        exchange.reaches(endpoint) for tier in group.tiers for endpoint in tier
    ):
        text = "nobody in it is reached by `dispatch.fallback`: it needs a `fallback` of its own"
        yield draft.problem(path, text, key=True)
    for tier, endpoints in enumerate(group.fallback):
        for index, endpoint in enumerate(endpoints):
            if not exchange.reaches(endpoint):
                text = "no way leads there: `dispatch.fallback` has no such account, trunk or registration"
                yield draft.problem((*path, "fallback", tier, index), text)


def _pbx_of_drivers(draft: Draft) -> Iterator[Problem]:
    """A driver's own setting `pbx`, where its kind has one, names the PBX link that it goes with."""
    links = [instance.name for instance in draft.instances if instance.name and not instance.drives]
    for driver in draft.drivers:
        wanted = getattr(driver.config, "pbx", "")
        if wanted and wanted not in links and not driver.stands_in_for:
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
        if (
            driver.type == FALLBACK
            and not driver.stands_in_for
            and not any(link.type == "sip" for link in links)
        ):
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
    if draft.file.response.get(Step.MORE_WANTED) == () and wants_more(draft.file):
        text = "is empty: nobody is rung for the further `acknowledgements` that a group wants"
        yield draft.problem(("response", "more_wanted"), text, level="warning")


def _rule(draft: Draft, path: Path, rule: RuleSection) -> Iterator[Problem]:
    yield from _ability(draft, path, rule)
    yield from _of_the_past(draft, path, rule)
    yield from each_known(draft, (*path, "consoles"), rule.consoles, "console", draft.names("consoles"))
    yield from _elsewhere(draft, path, rule)
    groups = draft.names("dispatch", "groups")
    yield from each_known(draft, (*path, "groups"), rule.groups, "dispatch group", groups)
    if rule.consoles and rule.operation not in ON_CONSOLES:
        yield draft.problem((*path, "consoles"), f"means nothing for `{rule.operation}`", key=True)
    if rule.to and (rule.consoles or rule.operation not in ON_CONSOLES):
        beside = "beside `consoles`" if rule.consoles else f"for `{rule.operation}`"
        yield draft.problem((*path, "to"), f"means nothing {beside}", key=True)
    if rule.wider and rule.operation in (Operation.NOTIFY, Operation.BEACON_ON):
        yield draft.problem((*path, "wider"), f"means nothing for `{rule.operation}`", key=True)
    if rule.groups and rule.operation is not Operation.NOTIFY:
        yield draft.problem((*path, "groups"), f"means nothing for `{rule.operation}`", key=True)
    if rule.operation is Operation.NOTIFY and not groups:
        yield draft.problem((*path, "do"), "`notify` needs groups under `dispatch.groups`")


def _of_the_past(draft: Draft, path: Path, rule: RuleSection) -> Iterator[Problem]:
    """What is over moves, shows and records nothing; and only what is over has a bookmark in the past."""
    missed = path[1] == Step.MISSED
    if missed and rule.operation not in OF_THE_PAST:
        may = " and ".join(f"`{operation}`" for operation in sorted(OF_THE_PAST))
        text = f"`{rule.operation}` cannot be done for an SOS that is over: only {may} can"
        yield draft.problem((*path, "do"), text)
    elif not missed and rule.operation is Operation.BOOKMARK_PAST:
        yield draft.problem((*path, "do"), "`bookmark_past` belongs to the step `missed`; here: `bookmark`")


def _ability(draft: Draft, path: Path, rule: RuleSection) -> Iterator[Problem]:
    driver = next((driver for driver in draft.drivers if driver.name == rule.driver), None)
    if driver is None:
        yield draft.problem(
            (*path, "with"), unknown("VMS", rule.driver, draft.driver_names, none=": there are none")
        )
    elif (able := driver.operations) is not None and rule.operation not in able:
        can = ", ".join(operation for operation in Operation if operation in able) or "nothing"
        yield draft.problem((*path, "do"), f"`{driver.name}` cannot `{rule.operation}`; it can: {can}")
    elif rule.operation is Operation.BEACON_ON and driver.beacons == ():
        yield draft.problem((*path, "do"), f"`{driver.name}` has no beacons")


def _elsewhere(draft: Draft, path: Path, rule: RuleSection) -> Iterator[Problem]:
    """A console that names its VMSs is out of reach of the others."""
    for index, name in enumerate(rule.consoles):
        console = draft.file.consoles.get(name)
        if console and console.ids and rule.driver not in console.ids:
            text = f"`{name}` is not in `{rule.driver}`, but in {listing(list(console.ids))}"
            yield draft.problem((*path, "consoles", index), text)


def _syslog(draft: Draft) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for index, server in enumerate(draft.file.syslog):
        path = ("syslog", index)
        if server.name in first:
            text = f"`{server.name}` stands twice: first in line {first[server.name]}"
            yield draft.problem((*path, "name"), text)
        first.setdefault(server.name, draft.line(*path, "name"))
        if server.transport is not Transport.TLS and server.tls != SyslogTls():
            text = f"means nothing for `transport: {server.transport}`"
            yield draft.problem((*path, "tls"), text, key=True)


def _times(draft: Draft) -> Iterator[Problem]:
    times = draft.file.times
    for early, late in (("escalate_1", "escalate_2"), ("recording_warning", "recording_cap")):
        if getattr(times, early) >= getattr(times, late):
            path = ("times", early if early in draft.names("times") else late)
            yield draft.problem(path, f"`{early}` must be shorter than `{late}`", key=True)


CHECKS: Final[tuple[Check, ...]] = (
    _required,
    _instance_names,
    plant_checks.alarm,
    plant_checks.phones,
    plant_checks.locations,
    plant_checks.views,
    plant_checks.shared_presets,
    plant_checks.cameras,
    plant_checks.beacons,
    plant_checks.consoles,
    plant_checks.unwatched,
    _dispatch,
    _languages,
    _acknowledgements,
    _fallback,
    _pbx_of_drivers,
    _ami_accounts,
    _ways,
    _response,
    _times,
    _syslog,
)
