"""What the check makes of a PBX's answers: the age of the last beat, and what ARI cannot tell."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pytest

from bridge.model import Finding
from bridge.pack.asking import Dialplan
from bridge.pack.live import check_pack
from bridge.pack.render import pack_hash
from tests.pack.lab import FACTS

NOW = 1_700_000_000
NONE = "the PBX has noted none: does `sosbridge run` run? Until then dispatch rings at once"


class Music:
    """A dialplan that has everything, and these classes of music on hold."""

    def __init__(self, **folders: str) -> None:
        self._folders = folders

    async def first_match(self, context: str, extension: str = "") -> str | None:
        return "sos-alarm"

    async def music_folder(self, music: str) -> str:
        return self._folders.get(music.replace("-", "_"), "")

    async def settings_of_person(self, families: Collection[str], endpoint: str) -> list[str]:
        return []


class Answers:
    """A PBX as ARI shows it. `absent`: modules; `variables`: global ones."""

    dialplan: Dialplan | None = None

    def __init__(self, **variables: str) -> None:
        self.variables = {"EPOCH": str(NOW), **variables}
        self.absent: list[str] = []

    async def global_value(self, name: str) -> str:
        return self.variables.get(name, "")

    async def missing_modules(self, names: Collection[str]) -> list[str] | None:
        return [name for name in names if name in self.absent]

    async def endpoint(self, name: str, setting: str) -> str:
        return {"context": "phones", "rtp_timeout": "60", "aors": name}[setting]

    async def aor(self, name: str, setting: str) -> str:
        return {"qualify_frequency": "30"}[setting]

    async def device_state(self, device: str) -> str:
        return "NOT_INUSE"

    def untold(self) -> list[Finding]:
        return []


async def found(pbx: Answers, subject: str) -> Finding:
    [finding] = [each for each in await check_pack(FACTS, pbx) if each.subject == subject]
    return finding


@pytest.mark.parametrize(
    ("age", "level", "text"),
    [
        (0, "ok", "fresh: 0 s old by the PBX's clock"),
        (4, "ok", "fresh: 4 s old by the PBX's clock"),
        (5, "warning", "stale: 5 s old by the PBX's clock, 4 s at most; dispatch rings at once"),
        (-3600, "warning", "stale: noted before the PBX's clock was set back; dispatch rings at once"),
        (NOW, "warning", NONE),
    ],
)
async def test_a_beat_is_judged_by_the_pbxs_clock(age: int, level: str, text: str) -> None:
    finding = await found(Answers(SOS_BEAT_AT=str(NOW - age)), "heartbeat")
    assert (finding.level, finding.text) == (level, text)


async def test_a_pbx_that_never_heard_of_the_bridge() -> None:
    assert (await found(Answers(), "heartbeat")).text == NONE


async def test_modules_that_are_not_loaded_are_named() -> None:
    pbx = Answers()
    pbx.absent = ["func_lock", "app_read"]
    finding = await found(pbx, "modules")
    assert (finding.level, finding.text.partition(";")[0]) == ("error", "not loaded: app_read, func_lock")


async def test_callers_of_each_language_have_their_music() -> None:
    phones = tuple(replace(each, language="de") if each.id == "P-1002" else each for each in FACTS.phones)
    pbx = Answers()
    pbx.dialplan = Music(sos_caller=f"{FACTS.sounds}/en/caller")
    findings = await check_pack(replace(FACTS, phones=phones), pbx)
    assert [(each.level, each.text) for each in findings if each.subject == "musiconhold.conf"] == [
        ("ok", "has the class sos-caller"),
        ("warning", "has no class sos-caller-de: callers hear plain ringback"),
    ]


async def test_phones_are_not_praised_for_what_was_not_asked() -> None:
    finding = await found(Answers(SOS_PACK_HASH=pack_hash(FACTS)), "phones")
    assert finding.text == "7 of 7 are watched and time out as they should"
