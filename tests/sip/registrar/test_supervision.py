"""Whom to ask, and who is there."""

from __future__ import annotations

import pytest

from bridge.protocols.sip.registrar import Noticed, Supervision, Times

TIMES = Times(interval=30, doubtful=5, misses=3)


@pytest.fixture
def watch() -> Supervision:
    made = Supervision(TIMES)
    made.follow("P-03", 0)
    return made


def miss(watch: Supervision, phone: str = "P-03") -> Noticed | None:
    """Ask when it is due, and hear nothing for a second."""
    due = watch.next_due
    assert due is not None
    assert watch.due(due) == [phone]
    return watch.unanswered(phone, due + 1)


def test_nobody() -> None:
    watch = Supervision()
    assert (watch.next_due, watch.due(1e9), watch.online("P-03")) == (None, [], False)
    assert watch.answered("P-03", 0) is watch.unanswered("P-03", 0) is None


def test_asked_again_and_again(watch: Supervision) -> None:
    due = watch.next_due
    assert due is not None
    assert 0 < due <= 30
    assert watch.due(due - 0.1) == []
    assert watch.due(due) == ["P-03"]
    assert watch.due(due) == []  # while an answer is awaited
    assert watch.answered("P-03", due + 1) is None
    assert watch.next_due == due + 31


def test_offline_after_so_many(watch: Supervision) -> None:
    assert [miss(watch), miss(watch)] == [None, None]
    assert watch.online("P-03")
    assert miss(watch) == Noticed("P-03", online=False, reason="3 OPTIONS in a row were not answered")
    assert not watch.online("P-03")
    assert miss(watch) is None  # it is known


def test_what_is_wrong_is_soon_known(watch: Supervision) -> None:
    first = watch.next_due
    assert first is not None
    for _ in range(3):
        miss(watch)
    assert watch.next_due == first + 2 * 6 + 31


def test_online_again(watch: Supervision) -> None:
    for _ in range(3):
        miss(watch)
    assert watch.answered("P-03", 99) == Noticed("P-03", online=True, reason="it answers again")
    assert watch.online("P-03")
    assert watch.answered("P-03", 100) is None


def test_one_answer_makes_up_for_misses(watch: Supervision) -> None:
    for _ in range(5):
        assert miss(watch) is miss(watch) is None
        due = watch.next_due
        assert due is not None
        watch.due(due)
        assert watch.answered("P-03", due) is None


def test_an_answer_that_comes_too_late_counts(watch: Supervision) -> None:
    for _ in range(3):
        miss(watch)
    assert watch.answered("P-03", 200) is not None


def test_a_late_miss_does_not(watch: Supervision) -> None:
    due = watch.next_due
    assert due is not None
    watch.due(due)
    watch.answered("P-03", due)
    assert watch.unanswered("P-03", due + 1) is None
    assert watch.next_due == due + 30


def test_forgotten(watch: Supervision) -> None:
    watch.forget("P-03")
    watch.forget("P-03")
    assert watch.next_due is None


def test_followed_twice_is_followed_once(watch: Supervision) -> None:
    due = watch.next_due
    watch.follow("P-03", 1000)
    assert watch.next_due == due


def test_a_whole_plant_is_not_asked_at_once() -> None:
    watch = Supervision(TIMES)
    for number in range(300):
        watch.follow(f"P-{number}", 0)
    asked = [len(watch.due(second)) for second in range(31)]
    assert sum(asked) == 300
    assert max(asked) < 30
