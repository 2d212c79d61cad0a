"""From a good file to the values that the rest of the bridge works with."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.config import Site, load_text
from bridge.config.effective import effective
from bridge.config.instances import DRIVERS, module_of
from bridge.config.sections import FileSection, TimesSection
from bridge.config.site import default_state_dir
from bridge.config.table import DEFAULT
from bridge.model import UNDO, Location, Operation, Phone, View
from bridge.response import Audience, Rule, Step, Times

GOOD = (Path(__file__).parent / "good.yaml").read_text()

pytestmark = pytest.mark.usefixtures("plugins")


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setenv("SOSBRIDGE_TEST_SECRET", "s3kr1t")
    return load_text(GOOD)


def changed(**sections: Any) -> Site:
    """Return the good site with some sections replaced (None: removed)."""
    content = yaml.safe_load(GOOD) | sections
    return load_text(
        yaml.safe_dump({name: value for name, value in content.items() if value is not None}), secrets=False
    )


def cells(site: Site, step: Step) -> list[str]:
    """Return a step of the effective table as `driver.operation`."""
    return [f"{rule.driver}.{rule.operation}" for rule in site.rules if rule.step is step]


# --- the plan ---------------------------------------------------------------------------------------


def test_phones(site: Site) -> None:
    assert site.plan().phones == (
        Phone(id="P-01", endpoint="phone-01", extension="0101", location="POST-1"),
        Phone(
            id="P-02",
            endpoint="gateway",
            extension="102",
            location="POST-1",
            shared=True,
            callback="never",
            announce=False,
        ),
        Phone(
            id="P-03",
            endpoint="gateway",
            extension="103",
            location="POST-2",
            shared=True,
            kind="video_intercom",
        ),
    )


def test_locations_with_named_and_numbered_presets(site: Site) -> None:
    views = (View(camera="PTZ-1", preset="7"), View(camera="FIX-1"))
    assert site.plan().locations == {
        "POST-1": Location(
            tag="POST-1",
            spoken="Posten eins",
            views=views,
            wider=(View(camera="PTZ-2", preset="11"), View(camera="FIX-2")),
            alternates=(View(camera="PTZ-2", preset="12"),),
            consoles=("desk-2", "desk-1"),
            beacons=("lamp-2",),
        ),
        "POST-2": Location(tag="POST-2", spoken="Posten zwei", views=(View(camera="PTZ-1", preset="9"),)),
    }


def test_cameras_consoles_and_alarm(site: Site) -> None:
    plan = site.plan()
    assert plan.cameras == {
        "PTZ-1": {"zm": "1", "wall": "cam-1"},
        "FIX-1": {"zm": "2"},
        "PTZ-2": {"zm": "3", "wall": "cam-3"},
        "FIX-2": {"zm": "4"},
    }
    assert plan.alarm_extensions == ("9110", "_911X")
    assert plan.consoles == ("desk-1",)
    assert plan.console_endpoints == {"2001"}
    assert plan.is_alarm("9115")
    assert (plan.site, plan.timezone) == ("Tank farm", "Europe/Berlin")


def test_all_operators_where_the_alarm_names_none() -> None:
    assert changed(alarm={"extensions": ["9110"]}).plan().consoles == ("desk-1", "desk-2", "desk-3")


def test_all_consoles_where_there_is_no_operator() -> None:
    consoles = {"lead": {"role": "supervisor"}, "big": {"role": "wall"}}
    locations = {"POST-1": {"spoken": "one"}, "POST-2": {"spoken": "two"}}
    site = changed(alarm={"extensions": ["9110"]}, consoles=consoles, locations=locations)
    assert set(site.plan().consoles) == {"lead", "big"}


def test_whose_consoles_and_what_each_vms_calls_them(site: Site) -> None:
    plan = site.plan()
    assert (plan.supervisors, plan.walls) == (("lead",), ("big",))
    assert plan.operators == ("desk-1", "desk-2", "desk-3")
    named = {name: [plan.console_at(vms, name) for vms in ("zm", "wall")] for name in plan.everyone}
    assert named == {
        "desk-1": ["desk-1", "desk-1"],
        "desk-2": ["desk-2", "desk-2"],
        "desk-3": [None, "M-3"],
        "lead": ["lead-pc", "M-4"],
        "big": [None, "W-1"],
    }


def test_whose_beacons_are_whose(site: Site) -> None:
    assert site.plan().beacons == {"io": {"lamp-1", "lamp-2"}}


def test_capabilities_leave_out_what_is_impossible(site: Site) -> None:
    capabilities = site.plan().capabilities
    assert Operation.SHOW not in capabilities["zm"]
    assert Operation.EVENT_START in capabilities["zm"]
    assert capabilities["wall"] == {Operation.SHOW, Operation.POPUP, Operation.UPDATE_POPUP}
    assert capabilities["dispatch"] == {Operation.NOTIFY}


def test_a_display_that_is_not_read_back_is_for_people_to_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    assert changed().plan().unread == {"wall"}
    silent: dict[str, Any] = {step.value: [] for step in Step}
    assert changed(response=silent).plan().unread == set(), "nobody asks it to show anything"
    monkeypatch.setattr(
        module_of(DRIVERS, "screen"), "proofs_of", lambda _: {Operation.SHOW: "asked"}, raising=False
    )
    assert changed().plan().unread == set()


def test_times(site: Site) -> None:
    assert site.plan().times == Times(picture=2.0, recording_cap=7200.0)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [(3, 3.0), (0, 0.0), (1.5, 1.5), ("90", 90.0), ("2s", 2.0), ("1.5 min", 90.0), ("4h", 14400.0)],
)
def test_a_time_may_have_a_unit(written: Any, seconds: float) -> None:
    assert changed(times={"deadline_routine": written}).plan().times.deadline_routine == seconds


def test_every_time_of_the_plan_is_a_setting_with_the_same_default() -> None:
    assert list(TimesSection.model_fields) == [field.name for field in dataclasses.fields(Times)]
    assert TimesSection().times() == Times()


def test_every_field_of_the_plan_is_filled(site: Site) -> None:
    plan = site.plan()
    fields = {field.name for field in dataclasses.fields(plan)}
    fields.remove("fallbacks")  # takes an exchange: see test_fallback
    assert all(getattr(plan, name) for name in fields)


# --- drivers and triggers ---------------------------------------------------------------------------


def test_drivers_stand_in_order_of_priority_and_dispatch_is_last(site: Site) -> None:
    assert [(driver.name, driver.type) for driver in site.drivers] == [
        ("zm", "recorder"),
        ("wall", "screen"),
        ("io", "relay"),
        ("dispatch", "dispatch"),
    ]
    assert [(trigger.name, trigger.type) for trigger in site.triggers] == [("pbx1", "pbxlink")]


def test_settings_of_a_driver_are_its_own_config(site: Site) -> None:
    zm = site.drivers[0]
    assert type(zm.config) is zm.module.Config
    assert zm.config.model_dump() == {
        "host": "zm.example",
        "port": 80,
        "login": {"user": "sos", "password": {"env": "SOSBRIDGE_TEST_SECRET"}},
        "labels": ("007", "1.10", "true"),
    }
    assert site.drivers[3].config.model_dump() == {"context": "sos", "pbx": ""}


def test_targets_are_the_cameras_and_presets_in_use(site: Site) -> None:
    zm, wall, _, dispatch = site.drivers
    assert zm.targets.cameras == {
        "1": frozenset({"7", "9"}),
        "2": frozenset(),
        "3": frozenset({"12"}),  # 11 is a wider view's, and no rule looks wider
        "4": frozenset(),
    }
    assert wall.targets.cameras == {"cam-1": frozenset(), "cam-3": frozenset()}, "it recalls no preset"
    assert dispatch.targets.cameras == {}


def test_targets_are_the_consoles_that_the_driver_can_reach(site: Site) -> None:
    zm, wall, _, dispatch = site.drivers
    assert wall.targets.consoles == {"desk-1", "desk-2", "M-3", "M-4", "W-1"}
    assert zm.targets.consoles == dispatch.targets.consoles == frozenset()  # they show nothing anywhere


# --- the response table -----------------------------------------------------------------------------


def test_a_step_in_the_file_replaces_its_default(site: Site) -> None:
    assert [rule for rule in site.rules if rule.step is Step.SOS] == [
        Rule(step=Step.SOS, operation=Operation.BEACON_ON, driver="io"),
        Rule(step=Step.SOS, operation=Operation.SHOW, driver="wall", max_views=4),
        Rule(step=Step.SOS, operation=Operation.START_RECORDING, driver="zm"),
    ]
    assert cells(site, Step.CONNECTED) == []
    [notify] = [rule for rule in site.rules if rule.step is Step.NO_PICTURE]
    assert notify.groups == ("guards",)


def test_the_default_table() -> None:
    site = changed(response=None)
    assert {step: cells(site, step) for step in Step} == {
        Step.OFF_HOOK: ["zm.start_recording", "zm.recall_preset", "wall.show", "wall.popup"],
        Step.SOS: [
            "io.beacon_on",  # a lamp waits for nobody, wherever its driver stands in the file
            *("zm.start_recording", "zm.recall_preset", "zm.bookmark", "wall.show", "wall.popup"),
        ],
        Step.CONNECTED: ["wall.update_popup"],
        Step.ACKNOWLEDGED: ["wall.update_popup", "dispatch.notify"],
        Step.PRESSED_AGAIN: ["zm.bookmark", "wall.show", "wall.popup", "dispatch.notify"],
        Step.ESCALATE_1: ["wall.popup"],
        Step.ESCALATE_2: ["wall.show", "wall.popup", "dispatch.notify"],
        Step.NO_PICTURE: ["dispatch.notify"],
        Step.UNANSWERED: ["dispatch.notify"],
        Step.MORE_WANTED: [],  # no group wants more than one person
        Step.UNRESOLVED: ["wall.popup", "dispatch.notify"],
        Step.CLEARED: ["wall.update_popup", "dispatch.notify"],
        Step.CLOSED: [],
        Step.TAMPER: [],
        Step.MISSED: ["dispatch.notify"],
    }


@pytest.mark.parametrize(
    ("guards", "wanted", "asked"),
    [
        ({}, (1, 1), []),
        ({"acknowledgements": 1}, (1, 1), []),
        ({"acknowledgements": 2}, (2, 2), ["dispatch.notify"]),
        ({"tiers": [[1], [2, 3], [4]], "acknowledgements": [1, 3, 2]}, (1, 3, 2), ["dispatch.notify"]),
        ({"tiers": [[1], [2, 3], [4]], "acknowledgements": [1, 1, 1]}, (1, 1, 1), []),
    ],
    ids=str,
)
def test_how_many_acknowledge_by_tier(guards: Any, wanted: tuple[int, ...], asked: list[str]) -> None:
    """Of two groups that differ, the largest number; a group without the tier goes on with its last."""
    groups = {
        "control-room": {"tiers": [[2001, 2002], [2003]]},
        "guards": {"tiers": [[3001, 3002]], **guards},
    }
    site = changed(response=None, dispatch={"groups": groups})
    assert site.plan().acknowledgements == wanted
    assert cells(site, Step.MORE_WANTED) == asked


def test_the_default_table_covers_every_step_and_no_undo() -> None:
    assert set(DEFAULT) == set(Step)
    assert not {cell.operation for row in DEFAULT.values() for cell in row} & set(UNDO.values())


def test_a_routine_call_takes_less_than_an_sos() -> None:
    rules = {(rule.step, rule.operation): rule for rule in changed(response=None).rules}
    assert rules[Step.OFF_HOOK, Operation.RECALL_PRESET].max_views == 1
    assert rules[Step.OFF_HOOK, Operation.SHOW].max_views == 2
    assert rules[Step.OFF_HOOK, Operation.POPUP].audience == (Audience.ASSIGNED,)
    wider = {operation for (step, operation), rule in rules.items() if step is Step.SOS and rule.wider}
    assert wider == {
        *(Operation.START_RECORDING, Operation.RECALL_PRESET, Operation.SHOW, Operation.BOOKMARK)
    }
    assert not any(rule.wider for (step, _), rule in rules.items() if step is Step.OFF_HOOK)
    assert rules[Step.SOS, Operation.POPUP].audience == (Audience.LOCATION, Audience.SUPERVISORS)


def test_default_notifies_all_groups_and_escalates_to_everyone() -> None:
    rules = changed(response=None).rules
    assert {rule.groups for rule in rules if rule.operation is Operation.NOTIFY} == {
        ("control-room", "guards")
    }
    audience = {(rule.step, rule.operation): rule.audience for rule in rules}
    assert audience[Step.ESCALATE_1, Operation.POPUP] == (Audience.NEXT,)
    assert audience[Step.ESCALATE_2, Operation.SHOW] == (Audience.WALLS,)
    assert audience[Step.ESCALATE_2, Operation.POPUP] == (Audience.EVERYONE,)


@pytest.mark.parametrize(
    ("home", "driver_of_home"),
    [("ask_first", ["wall"]), ("repeatable", []), ("by_rule", [])],
)
def test_only_who_can_ask_first_sends_a_camera_home(home: str, driver_of_home: list[str]) -> None:
    able = {"recall_preset": "repeatable", "home": home}
    cameras = {"cameras": {"PTZ-1": {"wall": "w1"}}}
    vms = [{"name": "wall", "type": "screen", "table": able}]
    site = changed(response=None, vms=vms, **(ONE_PTZ | cameras))
    assert [rule.driver for rule in site.rules if rule.operation is Operation.HOME] == driver_of_home


def test_the_one_that_moved_the_camera_sends_it_home() -> None:
    """A recorder that cannot ask moves it; the wall, which could, has not."""
    able = {"recall_preset": "repeatable", "home": "ask_first"}
    vms = [
        {"name": "zm", "type": "recorder", "host": "zm.example"},
        {"name": "wall", "type": "screen", "table": able},
    ]
    site = changed(response=None, vms=vms, **ONE_PTZ)
    moving = {rule.operation: rule.driver for rule in site.rules if rule.step in (Step.SOS, Step.CLOSED)}
    assert moving[Operation.RECALL_PRESET] == "zm"
    assert Operation.HOME not in moving


ONE_PTZ = {
    "cameras": {"PTZ-1": {"zm": "1", "wall": "w1"}},
    "locations": {
        tag: {"spoken": tag, "cameras": [{"camera": "PTZ-1", "preset": tag}]} for tag in ("POST-1", "POST-2")
    },
    "consoles": {"desk-1": {}},
}
"""Sections of a site with one camera that moves."""


@pytest.mark.parametrize(
    ("wall_cameras", "recalled_by"),
    [
        ({"PTZ-1": {"zm": "1", "wall": "w1"}, "FIX-1": {"zm": "2"}}, ["zm"]),
        ({"PTZ-1": {"wall": "w1"}, "FIX-1": {"zm": "2"}}, ["wall"]),
    ],
    ids=["the first that can", "the only one that has the camera"],
)
def test_a_preset_is_recalled_by_one(wall_cameras: Any, recalled_by: list[str]) -> None:
    operations = [operation.value for operation in (Operation.SHOW, Operation.RECALL_PRESET)]
    vms = [
        {"name": "zm", "type": "recorder", "host": "zm.example"},
        {"name": "wall", "type": "screen", "table": dict.fromkeys(operations, "repeatable")},
    ]
    site = changed(response=None, vms=vms, **(ONE_PTZ | {"cameras": wall_cameras}))
    rules = [rule for rule in site.rules if rule.step is Step.SOS]
    assert [rule.driver for rule in rules if rule.operation is Operation.RECALL_PRESET] == recalled_by
    asked = [driver.name for driver in site.drivers if any(driver.targets.cameras.values())]
    assert asked == recalled_by, "who is never asked for a preset need not know it"


@pytest.mark.parametrize("wider", [False, True])
def test_a_driver_need_know_the_presets_only_that_a_rule_may_ask_of_it(wider: bool) -> None:
    places = {
        "cameras": {"POST-1": [("PTZ-1", "a"), ("PTZ-2", "b")], "POST-2": [("PTZ-1", "c")]},
        "wider": {"POST-1": [("PTZ-3", "d")], "POST-2": []},
        "alternates": {"POST-1": [], "POST-2": [("PTZ-2", "e")]},
    }
    site = changed(
        vms=[
            {"name": "zm", "type": "recorder", "host": "zm.example"},
            {"name": "wall", "type": "screen", "table": {"recall_preset": "repeatable"}},
        ],
        cameras={"PTZ-1": {"zm": 1, "wall": "w1"}, "PTZ-2": {"wall": "w2"}, "PTZ-3": {"wall": "w3"}},
        locations={
            tag: {"spoken": tag}
            | {
                kind: [{"camera": camera, "preset": preset} for camera, preset in views[tag]]
                for kind, views in places.items()
            }
            for tag in ("POST-1", "POST-2")
        },
        consoles={"desk-1": {}},
        response={
            **{step.value: [] for step in Step},
            "sos": [{"do": "recall_preset", "with": "wall", "unless": ["zm"], "wider": wider}],
        },
    )
    zm, wall = site.drivers[:2]
    assert zm.targets.cameras == {"1": frozenset()}
    assert wall.targets.cameras == {
        "w1": frozenset(),
        "w2": frozenset({"b", "e"}),
        "w3": frozenset({"d"} if wider else ()),
    }


# --- the rest ---------------------------------------------------------------------------------------


def test_database(site: Site) -> None:
    url, password = site.database()
    assert url == "postgresql://bridge@db.example/sos"
    assert password is not None
    assert password() == "s3kr1t"


def test_default_database_is_in_the_state_folder() -> None:
    assert changed(store=None).database() == ("sqlite:////var/lib/sosbridge/sosbridge.sqlite3", None)


def test_node_state_folder_and_address(site: Site) -> None:
    assert (site.node, site.state_dir) == ("bridge-1", Path("/var/lib/sosbridge"))
    assert site.listen == ("::1", 8711)
    assert changed(web=None).listen == ("127.0.0.1", 8710)


def test_node_defaults_to_the_hosts_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "plant-srv-1")
    assert changed(node=None).node == "plant-srv-1"


@pytest.mark.parametrize(
    ("environment", "uid", "folder"),
    [
        ({"STATE_DIRECTORY": "/var/lib/sosbridge:/var/lib/other"}, 1000, "/var/lib/sosbridge"),
        ({}, 0, "/var/lib/sosbridge"),
        ({"XDG_STATE_HOME": "/home/a/state"}, 1000, "/home/a/state/sosbridge"),
        ({"HOME": "/home/a"}, 1000, "/home/a/.local/state/sosbridge"),
    ],
    ids=["systemd", "root", "XDG", "home"],
)
def test_default_state_folder(
    environment: dict[str, str], uid: int, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("STATE_DIRECTORY", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("os.geteuid", lambda: uid)
    assert default_state_dir() == Path(folder)


def test_what_is_shown_is_a_file_with_the_same_meaning(site: Site) -> None:
    shown = effective(site)
    again = load_text(yaml.safe_dump(shown))
    assert again.plan() == site.plan()
    assert again.drivers == site.drivers
    assert again.triggers == site.triggers
    assert again.database()[0] == site.database()[0]
    assert list(shown) == list(FileSection.model_fields)
    assert set(shown["response"]) == set(Step)


def test_what_is_shown_holds_no_secret(site: Site) -> None:
    assert "s3kr1t" not in yaml.safe_dump(effective(site)) + repr(site) + str(site.drivers) + repr(site.file)


def test_secrets_are_proven_only_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOSBRIDGE_TEST_SECRET", raising=False)
    assert load_text(GOOD, secrets=False).node == "bridge-1"
