"""The checks of the plant: phones, places, cameras and consoles against each other. Called by `references`.

`error` stops the bridge from starting, `warning` is shown by `sosbridge check`, `ok` is a hint.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from bridge.calls import extension_matches
from bridge.config.draft import Draft, each_known, each_once, taken
from bridge.config.plant import OPERATOR, ConsoleSection, LocationSection, ViewSection
from bridge.config.problems import Path, Problem, listing, unknown
from bridge.config.table import effective_rules
from bridge.model import Operation

KINDS_OF_VIEW: Final = ("cameras", "wider", "alternates")


def alarm(draft: Draft) -> Iterator[Problem]:
    found = draft.file.alarm
    if found is None:
        return
    yield from each_known(draft, ("alarm", "consoles"), found.consoles, "console", draft.names("consoles"))
    yield from each_once(draft, ("alarm", "extensions"), found.extensions)
    for index, pattern in enumerate(found.extensions):
        for phone_id, phone in draft.file.phones.items():
            if extension_matches(pattern, phone.extension):
                line = draft.line("phones", phone_id)
                yield draft.problem(
                    ("alarm", "extensions", index),
                    f"is phone `{phone_id}`'s own (line {line}): an alarm extension belongs to nobody",
                )


def phones(draft: Draft) -> Iterator[Problem]:
    extensions: dict[str, str] = {}
    endpoints: dict[str, str] = {}
    for phone_id, phone in draft.file.phones.items():
        path = ("phones", phone_id)
        if phone.location not in draft.names("locations"):
            text = unknown("location", phone.location, draft.names("locations"), none=": there are none")
            yield draft.problem((*path, "location"), text)
        if (other := extensions.setdefault(phone.extension, phone_id)) != phone_id:
            yield draft.problem((*path, "extension"), taken(draft, "phones", other))
        other = endpoints.setdefault(phone.endpoint, phone_id)
        if other != phone_id and not (phone.shared and draft.file.phones[other].shared):
            remedy = "; if it is a gateway, mark both phones `shared: true`"
            yield draft.problem((*path, "endpoint"), taken(draft, "phones", other) + remedy)


# --- locations --------------------------------------------------------------------------------------


def locations(draft: Draft) -> Iterator[Problem]:
    phones_at: dict[str, list[str]] = defaultdict(list)
    for phone_id, phone in draft.file.phones.items():
        phones_at[phone.location].append(phone_id)
    for tag, location in draft.file.locations.items():
        path = ("locations", tag)
        known = draft.names("consoles")
        yield from each_known(draft, (*path, "consoles"), location.consoles, "console", known)
        yield from each_once(draft, (*path, "beacons"), location.beacons)
        for kind in KINDS_OF_VIEW:
            yield from each_once(draft, (*path, kind), _tags(getattr(location, kind)))
        yield from _beside(draft, path, location)
        yield from _seen(draft, path, phones_at[tag])
        if len(phones_at[tag]) > 1:
            names = ", ".join(phones_at[tag])
            hint = f"has {len(phones_at[tag])} phones ({names}): related on the screen, never merged"
            yield draft.problem(path, hint, level="ok", key=True)


def _tags(views: Iterable[ViewSection]) -> list[str]:
    return [view.camera for view in views]


def _beside(draft: Draft, path: Path, location: LocationSection) -> Iterator[Problem]:
    """A camera of `cameras` cannot look at something else at the same time, nor stand in for itself."""
    for kind in KINDS_OF_VIEW[1:]:
        for index, view in enumerate(getattr(location, kind)):
            if view.camera in _tags(location.cameras):
                text = f"`{view.camera}` stands under `cameras` already"
                yield draft.problem((*path, kind, index, "camera"), text)


def _seen(draft: Draft, path: Path, callers: list[str]) -> Iterator[Problem]:
    if not draft.document.at((*path, "cameras")):
        yield draft.problem(path, "has no cameras: nobody will see it", level="warning", key=True)
    elif callers and not draft.document.at((*path, "alternates")):
        text = f"has no alternates: no camera stands in for one that is missing (phones: {listing(callers)})"
        yield draft.problem(path, text, level="warning", key=True)


def views(draft: Draft) -> Iterator[Problem]:
    for tag, location in draft.file.locations.items():
        for kind in KINDS_OF_VIEW:
            for index, view in enumerate(getattr(location, kind)):
                yield from _view(draft, ("locations", tag, kind, index), view)


def _view(draft: Draft, path: Path, view: ViewSection) -> Iterator[Problem]:
    camera = draft.file.cameras.get(view.camera)
    if view.camera not in draft.names("cameras"):
        text = unknown("camera", view.camera, draft.names("cameras"), none=": there are none")
        yield draft.problem((*path, "camera"), text)
    elif camera and view.preset and camera.presets:
        allowed = {**camera.presets, **dict.fromkeys(camera.presets.values())}
        if view.preset not in allowed:
            text = unknown("preset", view.preset, camera.presets)
            yield draft.problem((*path, "preset"), f"{text} (of camera `{view.camera}`)")


def shared_presets(draft: Draft) -> Iterator[Problem]:
    """Two places that one preset shows are a slip of copying. What is wider, or stands in, may be shared."""
    first: dict[tuple[str, str], str] = {}
    for tag, location in draft.file.locations.items():
        for index, view in enumerate(location.cameras):
            camera = draft.file.cameras.get(view.camera)
            if camera is None or view.preset is None:
                continue
            preset = camera.presets.get(view.preset, view.preset)
            other = first.setdefault((view.camera, preset), tag)
            if other != tag:
                line = draft.line("locations", other)
                text = f"preset `{preset}` of `{view.camera}` is that of `{other}` (line {line}) too"
                yield draft.problem(("locations", tag, "cameras", index, "preset"), text, level="warning")


def beacons(draft: Draft) -> Iterator[Problem]:
    """Each is an output of one driver, and some step lights it."""
    if any(driver.beacons is None for driver in draft.drivers):
        return  # the stanza that has them has mistakes: what it would have is not known
    owners: dict[str, str] = {}
    for driver in draft.drivers:
        for name in driver.beacons or ():
            if (other := owners.setdefault(name, driver.name)) != driver.name:
                text = f"has a beacon `{name}`, as `{other}` has: a location could not say which"
                yield Problem((*driver.path, "name"), text)
    rules = effective_rules(draft.file, draft.drivers)
    lighting = {rule.driver for rule in rules if rule.operation is Operation.BEACON_ON}
    for tag, location in draft.file.locations.items():
        path = ("locations", tag, "beacons")
        yield from each_known(draft, path, location.beacons, "beacon", list(owners))
        for index, name in enumerate(location.beacons):
            if name in owners and owners[name] not in lighting:
                text = f"nothing lights it: no step of `response` has `beacon_on` with `{owners[name]}`"
                yield draft.problem((*path, index), text, level="warning")


# --- cameras and consoles ---------------------------------------------------------------------------


def cameras(draft: Draft) -> Iterator[Problem]:
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
                yield draft.problem(path, taken(draft, "cameras", other))


def consoles(draft: Draft) -> Iterator[Problem]:
    desks: dict[str, str] = {}
    owners: dict[tuple[str, str], str] = {}
    phones = {phone.endpoint: phone_id for phone_id, phone in draft.file.phones.items()}
    for name, console in draft.file.consoles.items():
        path = ("consoles", name)
        yield from _ids(draft, path, console, owners)
        if console.endpoint is None:
            continue
        if console.endpoint in phones:
            yield draft.problem((*path, "endpoint"), taken(draft, "phones", phones[console.endpoint]))
        if (other := desks.setdefault(console.endpoint, name)) != name:
            yield draft.problem((*path, "endpoint"), taken(draft, "consoles", other))


def _ids(
    draft: Draft, path: tuple[str, str], console: ConsoleSection, owners: dict[tuple[str, str], str]
) -> Iterator[Problem]:
    for driver, console_id in console.ids.items():
        if driver not in draft.driver_names:
            known = [*ConsoleSection.model_fields, *draft.driver_names]
            yield draft.problem((*path, driver), unknown("setting or VMS", driver, known), key=True)
        if (other := owners.setdefault((driver, console_id), path[1])) != path[1]:
            yield draft.problem((*path, driver), taken(draft, "consoles", other))


def unwatched(draft: Draft) -> Iterator[Problem]:
    """An operator's console to which nothing leads: what it should show is seen by nobody."""
    file = draft.file
    if not file.alarm or not file.alarm.consoles:
        return
    led_to = {*file.alarm.consoles}
    for location in file.locations.values():
        led_to.update(location.consoles)
    for rules in file.response.values():
        led_to.update(name for rule in rules for name in rule.consoles)
    for name, console in file.consoles.items():
        if console.role == OPERATOR and name not in led_to:
            text = "nobody watches it: neither `alarm.consoles` nor a location nor a rule names it"
            yield draft.problem(("consoles", name), text, level="warning", key=True)
