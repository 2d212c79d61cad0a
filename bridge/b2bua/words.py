"""What is said: the prompts of `sosbridge prompts build`, by name, in the order in which they are heard."""

from __future__ import annotations

from typing import Final

from bridge.b2bua.effects import Word
from bridge.b2bua.site import Site
from bridge.b2bua.state import Alarm

_MOST_DIGITS: Final = 20
_COUNTED: Final = 9
"""Beyond, they are many."""

OF_CALLERS: Final = frozenset({"ringback", "waiting"})
"""Their files lie in a folder of their own, `caller`."""
RINGBACK: Final = (Word("ringback"),)
WAITING: Final = (Word("ringback"), Word("waiting"))
"""Until a person has the call: "your alarm was sent, stay where it is safe"."""
PERSON_HAS_IT: Final = (Word("person-has-it"), Word("ringback"))
CONSOLE_HAS_IT: Final = (Word("console-has-it", ("taken",)),)
NEVER: Final = (Word("never"),)
NO_ANSWER: Final = (Word("no-answer"),)


def released(why: str) -> tuple[Word, ...]:
    """Why a dispatcher is let go: `taken`, `over`, `redialled`."""
    return (Word(why),)


def announcement(alarm: Alarm, site: Site, *, exercise: bool, more: bool, waiting: int) -> tuple[Word, ...]:
    """How many other SOS stand in line; then of this one: that one more person is wanted, where that is so;
    where, which number calls back, whether there is a picture, and what to press.
    """
    words = _before(exercise=exercise, waiting=waiting)
    if more:
        words.append(Word("one-more"))
    if alarm.location:
        words.append(Word(f"location-{alarm.location}", ("location-unknown",)))
    else:
        words.append(Word("location-unknown"))
    digits = tuple(f"digits/{digit}" for digit in alarm.number if digit in "0123456789")[:_MOST_DIGITS]
    if site.phone(alarm.phone) is not None:
        words.append(Word(f"number-{alarm.phone}", digits))
    else:  # the caller's own text: nothing of it but digits
        words.extend(map(Word, digits))
    if alarm.picture:
        words.append(Word(f"video-{alarm.picture}"))
    return (*words, Word("press-1"))


def of_the_past(alarm: Alarm, *, exercise: bool, waiting: int) -> tuple[Word, ...]:
    """How many other SOS stand in line; then that one was missed: when, where, and what to press."""
    words = [*_before(exercise=exercise, waiting=waiting), Word("missed")]
    words.extend(Word(f"digits/{digit}") for digit in alarm.missed if digit in "0123456789")
    if alarm.location:
        words.append(Word(f"place-{alarm.location}", ("place-unknown",)))
    else:
        words.append(Word("place-unknown"))
    return (*words, Word("press-heard"))


def _before(*, exercise: bool, waiting: int) -> list[Word]:
    words = [Word(f"more-{waiting if waiting <= _COUNTED else 'many'}")] if waiting else []
    return [*words, Word("exercise")] if exercise else words
