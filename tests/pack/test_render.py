"""The rendered files: what they say, their hash, and what must never get into one."""

from __future__ import annotations

import re
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.calls import CallTracker
from bridge.errors import ConfigError
from bridge.model import Kind
from bridge.pack.facts import AmiAccount, PackFacts, PackTimes, dialplan_key
from bridge.pack.render import FILES, Change, pack_hash, render, render_texts
from bridge.pack.site import facts_of, loaded_hash
from bridge.protocols.ami import Message
from bridge.triggers.ami.mapping import fact_of
from tests.pack.lab import FACTS, phone
from tests.pack.site import SECRETS, TEXT, load_site
from tests.parts.asterisk import Asterisk


@pytest.fixture
def facts(monkeypatch: pytest.MonkeyPatch) -> PackFacts:
    return facts_of(load_site(monkeypatch))


def test_globals_say_what_the_site_says(facts: PackFacts) -> None:
    text = render_texts(facts)["globals.conf"]
    values = dict(line.split(" = ", 1) for line in text.splitlines() if " = " in line and line[0] != ";")
    trunk = dialplan_key("+4930123@trunk")
    expected = {
        "SOS_GAP_1": "10",
        "SOS_GAP_2": "15",
        "SOS_REDIAL_WAIT": "5",
        "SOS_SETTLE": "5",
        "SOS_HEARTBEAT_STALE": "15",
        "SOS_TIER_1": "Local/*desk-1@sos-leg/n&Local/*lead-1@sos-leg/n&Local/*guard-1@sos-leg/n"
        "&Local/*2@sos-tier/n",
        "SOS_TIER_2": f"Local/*{trunk}@sos-leg/n",
        "SOS_GROUP_shift_1": "Local/*desk-1@sos-leg/n&Local/*lead-1@sos-leg/n",
        "SOS_GROUP_shift_2": f"Local/*{trunk}@sos-leg/n",
        "SOS_GROUP_werk_1": "Local/*guard-1@sos-leg/n",
        "SOS_DIAL_lead-1": "PJSIP/lead-1",
        f"SOS_DIAL_{trunk}": "PJSIP/+4930123@trunk",
        "SOS_LANGUAGE_guard-1": "de",
        "SOS_LANGUAGE_lead-1": "fr",
        "SOS_LANGUAGE_desk-1": "en",
        "SOS_LANGUAGE": "en",
        "SOS_CALLER_LANGUAGE_east-02": "de",
        "SOS_CONSOLES": "Local/*desk-1@sos-console/n",
        "SOS_CONSOLES_post-02": "Local/*desk-2@sos-console/n",
        "SOS_CONSOLE_desk-2": "PJSIP/desk-2",
        "SOS_PHONE_help-1": "east-01",
        "SOS_BACK_east-01": "PJSIP/help-1",
        "SOS_LOCATION_east-01": "post-01",
        "SOS_CALLBACK_east-02": "never",
        "SOS_ANNOUNCE_east-02": "off",
        "SOS_SHARED_gateway_4501": "jetty-1",
        "SOS_GATEWAY_gateway": "yes",
        "SOS_BACK_jetty-1": "PJSIP/4501@gateway",
    }
    assert {name: values.get(name) for name in expected} == expected
    assert "SOS_PHONE_gateway" not in values
    assert "SOS_CALLER_LANGUAGE_east-01" not in values
    assert values["SOS_PACK_HASH"] == pack_hash(facts)


def test_callers_of_each_language_have_a_class_of_their_own(facts: PackFacts) -> None:
    text = render_texts(facts)["musiconhold.conf"]
    sections = re.findall(r"^\[(.+)\]\nmode = files\ndirectory = (.+)$", text, re.MULTILINE)
    assert sections == [
        ("sos-caller", f"{facts.sounds}/en/caller"),
        ("sos-caller-de", f"{facts.sounds}/de/caller"),
    ]


def test_every_file_says_what_it_is_how_to_include_it_and_its_hash(facts: PackFacts) -> None:
    texts = render_texts(facts)
    assert set(texts) == set(FILES)
    for name, text in texts.items():
        head = text.split("\n\n")[0]
        assert head.startswith("; SOS: ")
        assert f'#tryinclude "sosbridge/{name}"' in head
        assert "Generated" in head
        assert pack_hash(facts) in head


def test_no_file_holds_anything_left_to_fill_in(facts: PackFacts) -> None:
    for text in render_texts(facts).values():
        assert not re.search(r"<<|>>|<%|%>|None|Undefined", text)
        # `;--` would begin a comment that swallows what follows (the site's name holds a semicolon).
        assert not re.search(r";--(?!-)", text)


def test_every_variable_that_the_dialplan_reads_is_set_somewhere(facts: PackFacts) -> None:
    """A misspelt global is an empty one, silently."""
    texts = render_texts(facts)
    dialplan = "".join(
        texts[name] for name in ("alarm.conf", "dispatch.conf", "notify.conf", "heartbeat.conf")
    )
    families = re.findall(r"\$\{GLOBAL\((SOS_[A-Z_]*[A-Z])", dialplan)
    given = set(re.findall(r"^(SOS_[A-Z_]*[A-Z])", texts["globals.conf"], re.MULTILINE))
    given |= set(re.findall(r"Set\(GLOBAL\((SOS_[A-Z_]*[A-Z])", dialplan))
    assert set(families) <= given


def test_every_context_that_is_gone_to_exists(facts: PackFacts) -> None:
    texts = render_texts(facts)
    dialplan = "".join(
        texts[name] for name in ("alarm.conf", "dispatch.conf", "notify.conf", "heartbeat.conf")
    )
    contexts = set(re.findall(r"^\[(sos-[a-z-]+)\]", dialplan, re.MULTILINE))
    used = re.findall(r"(?:Gosub|Goto|U|b)\((sos-[a-z-]+)", dialplan)
    used += re.findall(r"@(sos-[a-z-]+)/n", dialplan + texts["globals.conf"])
    used += re.findall(r"exten,(sos-[a-z-]+),", dialplan)
    assert set(used) <= contexts
    labels = set(re.findall(r"n\(([a-z]+)\)", dialplan))
    jumps = re.findall(r"\?([a-z]+)(?::([a-z]+))?\)$", dialplan, re.MULTILINE)
    jumps += [(name, "") for name in re.findall(r"Goto\(([a-z]+)\)", dialplan)]
    assert {name for pair in jumps for name in pair if name} <= labels


def test_every_site_value_is_read_as_a_global(facts: PackFacts) -> None:
    """A channel variable of the same name, set by whoever may originate, must not hide it."""
    texts = render_texts(facts)
    dialplan = "".join(
        texts[name] for name in ("alarm.conf", "dispatch.conf", "notify.conf", "heartbeat.conf")
    )
    site_values = set(re.findall(r"^(SOS_[A-Z_]*[A-Z])(?: |_[^A-Z])", texts["globals.conf"], re.MULTILINE))
    # The families that a channel variable shares its name with are the ones the dialplan sets itself.
    own = {"SOS_PHONE", "SOS_ENDPOINT", "SOS_NUMBER", "SOS_LOCATION", "SOS_GROUP", "SOS_TIER"}
    read_directly = set(re.findall(r"\$\{(SOS_[A-Z_]*[A-Z])", dialplan))
    assert not (site_values - own) & read_directly


@pytest.mark.real("asterisk")
def test_help_points_take_their_settings_from_the_templates(facts: PackFacts) -> None:
    endpoint = "[help-1](sos-phone)\ncontext=phones\naors=help-1\n[help-1](sos-aor)\n"
    files = {"sosbridge/pjsip.conf": render_texts(facts)["pjsip.conf"]}
    include = {"pjsip.conf": '#tryinclude "sosbridge/pjsip.conf"\n' + endpoint}
    with Asterisk("22", files=files, append=include) as pbx:
        shown = pbx.cli("pjsip show endpoint help-1") + pbx.cli("pjsip show aor help-1")
    settings = dict(re.findall(r"^ (\w+) +: (.+)$", shown, re.MULTILINE))
    wanted = {
        "rtp_timeout": "60",
        "qualify_frequency": "30",
        "allow": "(alaw|ulaw)",
        "allow_transfer": "false",
    }
    assert {name: settings[name].strip() for name in wanted} == wanted


def test_the_hash_follows_the_site_and_not_the_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    site = load_site(monkeypatch)
    before = loaded_hash(site)
    monkeypatch.setenv("WATCH", "another-secret")
    assert loaded_hash(site) == before
    assert (
        loaded_hash(load_site(monkeypatch, TEXT.replace("Post one", "Post uno"))) == before
    )  # a prompt only
    assert loaded_hash(load_site(monkeypatch, TEXT.replace("escalate_1: 10", "escalate_1: 11"))) != before


def test_accounts_and_their_secrets(facts: PackFacts) -> None:
    text = render_texts(facts)["manager.conf"]
    sections = dict(re.findall(r"^\[([a-z-]+)\]\n((?:[^\n\[]+\n?)+)", text, re.MULTILINE))
    assert set(sections) == {"sosbridge", "sos-originate", "sos-heartbeat"}
    assert "write = reporting" in sections["sosbridge"]
    assert "write = originate" in sections["sos-originate"]
    assert all("deny = 0.0.0.0/0.0.0.0" in section for section in sections.values())
    assert all(f"secret = {secret}" in text for secret in SECRETS.values())
    assert not any(secret in repr(facts) for secret in SECRETS.values())


def test_a_secret_that_cannot_be_read_leaves_its_line_out(monkeypatch: pytest.MonkeyPatch) -> None:
    site = load_site(monkeypatch)
    monkeypatch.delenv("HEART")
    text = render_texts(facts_of(site))["manager.conf"]
    assert text.count("\nsecret = ") == 2
    assert "; secret = ..." in text


def test_rendering_again_tells_what_changed(facts: PackFacts, tmp_path: Path) -> None:
    first = render(facts, tmp_path / "pack")
    assert all(change.new for change in first)
    assert all(change.unchanged for change in render(facts, tmp_path / "pack"))
    slower = replace(facts, times=replace(facts.times, ring=30.0))
    changes = {change.name: change for change in render(slower, tmp_path / "pack")}
    # The value, the hash as a value, and the hash in the header.
    assert changes["globals.conf"] == Change("globals.conf", False, 3, 3)
    assert changes["alarm.conf"] == Change("alarm.conf", False, 1, 1)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "pack").iterdir()}
    assert modes.pop("manager.conf") == 0o600
    assert set(modes.values()) == {0o644}


def test_an_unwritable_folder_is_a_clear_error(facts: PackFacts, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="file"):
        render(facts, tmp_path / "file" / "pack")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"groups": ()}, "at least one dispatch group"),
        ({"alarm_extensions": ("help",)}, "Asterisk keeps `h` for itself"),
        (
            {"accounts": (AmiAccount(username="x", what="", read="", write="", secret="a;b"),)},
            "choose another",
        ),
        (
            {"accounts": (AmiAccount(username="x", what="", read="", write="", secret="a\nb"),)},
            "choose another",
        ),
        (
            {"accounts": (AmiAccount(username="x]\nwrite = all\n[y", what="", read="", write=""),)},
            "control character",
        ),
        ({"site": "Plant\n[evil]"}, "control character"),
        ({"permit": "127.0.0.1\rwrite = all"}, "control character"),
        ({"phones": (replace(phone("1001"), endpoint="help\n1"),)}, "control character"),
        ({"phones": (phone("1001"), replace(phone("1001"), id="twin"))}, "have the same endpoint 1001"),
    ],
)
def test_what_a_dialplan_cannot_hold_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        render_texts(replace(FACTS, **wrong))  # type: ignore[arg-type]  # each case names its own fields
    assert "a;b" not in str(raised.value)


@pytest.mark.parametrize(
    ("tiers", "gaps"),
    [((20.0, 60.0), [20.0, 40.0, 40.0]), ((0.0, 60.0), [0.0, 60.0, 60.0]), ((60.0, 20.0), [60.0, 0.0, 0.0])],
)
def test_each_tier_waits_for_the_one_before(tiers: tuple[float, ...], gaps: list[float]) -> None:
    assert [PackTimes(tiers=tiers).gap(n) for n in (1, 2, 3)] == gaps


@pytest.mark.parametrize("endpoint", ["2001", "help-7", "a.b+c_d"])
def test_an_endpoint_is_its_own_key(endpoint: str) -> None:
    assert dialplan_key(endpoint) == endpoint


def test_keys_of_trunk_numbers_stay_apart() -> None:
    keys = {dialplan_key(name) for name in ("+49@trunk", "+49_trunk", "+49.trunk", "1" * 70, "1" * 71)}
    assert len(keys) == 5
    assert all(re.fullmatch(r"[0-9A-Za-z_.+-]{1,60}", key) for key in keys)


def test_a_site_without_dispatch_has_no_pack(monkeypatch: pytest.MonkeyPatch) -> None:
    without = re.sub(r"dispatch:\n(?:  .*\n)+", "", TEXT)
    with pytest.raises(ConfigError, match="needs a section `dispatch`"):
        facts_of(load_site(monkeypatch, without))


def test_of_several_pbxs_dispatch_names_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    second = "  - {name: pbx2, type: ami, host: pbx2, username: second, secret: {env: WATCH}}\nalarm:"
    two = TEXT.replace("alarm:", second).replace("dispatch:\n", "dispatch:\n  pbx: pbx2\n")
    usernames = [account.username for account in facts_of(load_site(monkeypatch, two)).accounts]
    assert usernames == ["second", "sos-originate", "sos-heartbeat"]


# --- what others read in it -------------------------------------------------------------------------


def test_the_bridge_understands_how_the_pack_says_sos(facts: PackFacts) -> None:
    """Behind a key or a feature code (`*9`) only this report makes the call an SOS."""
    [report] = re.findall(r"UserEvent\(SOSCall,(.*)\)", render_texts(facts)["alarm.conf"])
    values = {"${SOS_UID}": "1700000000.1", "${SOS_ENDPOINT}": "help-1", "${SOS_EXTEN}": "9110"}
    headers = ["Uniqueid: 1700000000.1", "Linkedid: 1700000000.1", "Channel: PJSIP/help-1-0", "Exten: *9"]
    begun = ["Event: Newchannel", *headers, "ChannelState: 4", "CallerIDNum: 11"]
    own = [re.sub(r"\$\{\w+\}", lambda name: values.get(name[0], "x"), field) for field in report.split(",")]
    tracker = CallTracker("asterisk/pbx1")
    events = []
    for lines in (begun, ["Event: UserEvent", *headers, "UserEvent: SOSCall", *own]):
        fact = fact_of(Message("\n".join(lines).encode()), arrived=1.0)
        assert fact is not None
        events += tracker.feed(fact)
    assert [(event.kind, event.dialled) for event in events] == [
        (Kind.CALL_DIALING, "*9"),
        (Kind.CALL_DIALING, "9110"),
        (Kind.CALL_ENDED, "*9"),
    ]


def test_the_watchers_page_says_the_same_as_the_file(facts: PackFacts) -> None:
    """Who writes manager.conf by hand gets the rights and filters that are rendered for others."""
    page = (Path(__file__).parents[2] / "docs/triggers/ami.md").read_text("utf-8")
    [by_hand] = re.findall(r"^\[sosbridge\]\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    rendered = render_texts(facts)["manager.conf"].split("[sosbridge]\n")[1].partition("\n[")[0]
    assert _settings(by_hand) == _settings(rendered)


def _settings(section: str) -> list[str]:
    """The settings of one section, without what differs from site to site."""
    lines = (line.partition(";")[0].strip() for line in section.splitlines())
    return [line for line in lines if line and not line.startswith(("secret", "permit"))]
