"""Nothing that somebody else wrote may forge a line, and no secret may stand in one."""

from __future__ import annotations

import dataclasses
import enum
import json
import logging

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from bridge.protocols.scrub import Scrubber
from bridge.protocols.secret import Secret
from bridge.supervision.logs import safety
from bridge.supervision.logs.safety import LONGEST, LogScrubber
from tests.logs.conftest import LogTo

CANARY = "Tr0ub4dor&3x"

# --- forged lines -------------------------------------------------------------------------------------

EVIL = [
    "a\n2026-01-01 00:00:00.000 info     forged",
    "a\r\nforged",
    "a\rforged",
    "a\x0bforged",
    "a\x0cforged",
    "a\x1cforged",
    "a\x85forged",
    "a\u2028forged",
    "a\u2029forged",
    "a\x00forged",
    "\x1b[2J\x1b]0;title\x07forged",
    "a\x9b31mforged",
    "a\u202eforged",
    "a\u200bforged",
    "a\ud800forged",
    "a\x7fforged",
    '","level":"error","event":"forged',
]


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("style", ["text", "json"])
def test_no_value_ends_a_line_or_moves_the_terminal(log_to: LogTo, style: str, evil: str) -> None:
    written = log_to(style=style)
    log = structlog.get_logger("bridge.a")
    log.info(evil, location="L")
    log.info("fact", caller=evil, **{evil: "key"})
    log.info("nested", seen=[{evil: (evil,)}])
    logging.getLogger("some.library").warning("template %s", evil)
    logging.getLogger("some.library").warning(evil)
    log.error("trace", exc_info=ValueError(evil))
    text = written.text
    lines = text.split("\n")[:-1]
    assert all(line.startswith("    ") for line in lines[6:]), "only a traceback goes on, and indented"
    assert len(lines) == 6 if style == "json" else len(lines) in {7, 8}
    assert len(text.splitlines()) == len(lines)
    assert text.isprintable() or all(char.isprintable() or char == "\n" for char in text)
    if style == "json":
        assert [json.loads(line)["level"] for line in lines] == ["info"] * 3 + ["warning"] * 2 + ["error"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a\r\nb", "a\\r\\nb"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\u202etxt", "\\u202etxt"),
        ("\x00", "\\x00"),
        ("Tür 3 – Süd", "Tür 3 – Süd"),
        ("东油库", "东油库"),
        ("a\tb", "a\\tb"),
    ],
)
def test_control_characters_are_shown_and_letters_stay(value: str, shown: str) -> None:
    assert LogScrubber().text(value) == shown


# --- secrets ------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Login:
    username: str
    password: str


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    "facts",
    [
        {"password": CANARY},
        {"db_password": CANARY},
        {"secret": CANARY},
        {"ami_secret": CANARY.encode()},
        {"api_key": CANARY},
        {"apikey": [CANARY]},
        {"Authorization": f"Basic {CANARY}"},
        {"token": {"value": CANARY}},
        {"headers": {"Cookie": CANARY}},
        {"headers": [{"X-Api-Key": "1", "authorization": CANARY}]},
        {"settings": {"vms": {"password": CANARY}}},
        {"url": f"http://vms/api?user=a&token={CANARY}&b=1"},
        {"url": f"postgresql+psycopg://bridge:{CANARY}@db/bridge"},
        {"url": f"rtsp://admin:{CANARY}@10.0.0.1/stream"},
        {"sent": f"Action: Login\r\nUsername: a\r\nSecret: {CANARY}\r\n\r\n".encode()},
        {"sent": f"Action: Login\r\nSecret: {CANARY}"},
        {"login": Login("a", CANARY)},
        {"login": repr({"user": "a", "password": CANARY})},
        {"answer": json.dumps({"access_token": CANARY})},
        {"header": f"authorization: Bearer {CANARY}"},
        {"header": f"Authorization: Basic {CANARY[:4]}"},
        {"error": ValueError(f"refused: password={CANARY}")},
        {"key": SecretStr(CANARY)},
    ],
    ids=lambda facts: str(facts).replace(CANARY, "_")[:60],
)
@pytest.mark.parametrize("style", ["text", "json"])
def test_secrets_by_their_place(log_to: LogTo, style: str, facts: dict[str, object]) -> None:
    written = log_to(style=style)
    structlog.get_logger("bridge.a").info("x", **facts)
    assert "***" in written.text
    assert CANARY[:4] not in written.text
    assert "could not be written" not in written.text


@pytest.mark.parametrize(
    "canary", [CANARY, "qu\"ote's", "back\\slash", "kom,ma und mehr", "ümläute", "a=b&c"]
)
@pytest.mark.parametrize("style", ["text", "json"])
def test_known_secrets_wherever_they_stand(log_to: LogTo, style: str, canary: str) -> None:
    written = log_to(style=style)
    log = structlog.get_logger("bridge.a")
    log.info(f"before {canary[:0]}")
    written.logs.scrubber.conceal(canary)
    log.info(f"said {canary}", fact=f"x{canary}x", **{f"key {canary}": 1})
    log.info("seen", what=[canary, {"a": repr(canary)}], sent=f"{{'password': {canary!r}}}")
    log.error("trace", exc_info=ValueError(canary))
    logging.getLogger("panoramisk").error("Fail to send %r", f"Secret: {canary}\r\n")
    logging.getLogger("panoramisk").error(f"password={canary} end")
    assert len(written.lines) >= 6
    for part in {canary, canary[: len(canary) // 2 + 2], repr(canary)[1:-1], json.dumps(canary)[1:-1]}:
        assert part not in written.text


def test_many_secrets_are_all_known() -> None:
    """A site has more secrets than a link: none is forgotten for a newer one."""
    scrubber = LogScrubber()
    for number in range(100):
        scrubber.conceal(f"canary-{number:03}")
    assert scrubber.text(" ".join(f"canary-{number:03}" for number in range(100))) == " ".join(["***"] * 100)


def test_a_secret_learnt_late_is_masked_in_text_seen_before(log_to: LogTo) -> None:
    written = log_to(style="text")
    log = structlog.get_logger("bridge.a")
    log.info("hunter2hunter2")
    written.logs.scrubber.conceal("hunter2hunter2")
    log.info("hunter2hunter2")
    assert written.lines[1].endswith("***")


def test_secret_objects_are_named_and_never_read(log_to: LogTo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMI_SECRET", CANARY)
    written = log_to()
    structlog.get_logger("bridge.a").info(
        "x", password=Secret("env", "AMI_SECRET"), at={"a": Secret("file", "/k")}
    )
    assert written.objects[0]["password"] == "*** (environment variable AMI_SECRET)"
    assert written.objects[0]["at"] == {"a": "*** (secret file /k)"}
    assert CANARY not in written.text


@pytest.mark.parametrize(
    ("facts", "shown"),
    [
        ({"token": None}, None),
        ({"password": True}, True),
        ({"password": ""}, "***"),
        ({"keys": 3}, 3),
        ({"passed": "9 of 9"}, "9 of 9"),
        ({"text": "the key in the door"}, "the key in the door"),
        (
            {"text": "incident 4f2a91c3: acknowledged by Ann (press 1)"},
            "incident 4f2a91c3: acknowledged by Ann (press 1)",
        ),
        ({"text": "preset=7 at http://vms/zm/api"}, "preset=7 at http://vms/zm/api"),
    ],
)
def test_what_is_no_secret_stays(facts: dict[str, object], shown: object) -> None:
    [(key, value)] = facts.items()
    assert LogScrubber().fact(key, value) == shown


# --- shapes and sizes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (None, None),
        (False, False),
        (3, 3),
        (0.5, 0.5),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (Colour.RED, "red"),
        (b"\xff\n", "b'\\xff\\n'"),
        ((1, "a"), [1, "a"]),
        ({"a": {1: {2}}}, {"a": {"1": [2]}}),
        (OSError(2, "No such file"), "FileNotFoundError: [Errno 2] No such file"),
    ],
)
def test_values_as_json_knows_them(value: object, plain: object) -> None:
    assert LogScrubber().plain(value) == plain


def test_everything_has_an_end(log_to: LogTo) -> None:
    written = log_to()
    round_and_round: list[object] = []
    round_and_round.append(round_and_round)
    structlog.get_logger("bridge.a").info(
        "x" * 100_000, text="y" * 100_000, many=list(range(1000)), round=round_and_round, big=10**4000
    )
    assert len(written.text) < 3 * LONGEST + 5000
    assert len(written.objects[0]["many"]) == safety.MOST_ITEMS


def test_a_long_traceback_keeps_its_end(log_to: LogTo) -> None:
    written = log_to()

    def dig(depth: int) -> None:
        if depth == 0:
            raise ExceptionGroup("many", [ValueError(str(number)) for number in range(300)])
        dig(depth - 1)

    try:
        dig(3)
    except ExceptionGroup:
        structlog.get_logger("bridge.a").exception("x")
    assert len(written.objects[0]["exception"].splitlines()) <= 200


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=60))
def test_the_short_cut_changes_nothing(text: str) -> None:
    """What is taken for harmless is what the patterns, here and in `scrub`, leave as it is."""
    if safety._is_harmless(text):
        assert safety._masked(Scrubber().clean(text, limit=LONGEST)) == " ".join(text.split())


@given(st.text(max_size=80))
def test_any_text_becomes_one_printable_line(text: str) -> None:
    line = LogScrubber().text(text)
    assert line.isprintable()
    assert len(line.splitlines()) <= 1
