"""A small memory: the last things noted. Called by drivers that must know again what they did a while ago."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, Generic, TypeVar

MOST_REMEMBERED: Final = 500

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """The last things noted; the oldest is forgotten first. What matters longer is in the VMS."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._items: OrderedDict[Key, Value] = OrderedDict()

    def note(self, key: Key, value: Value) -> None:
        self._items[key] = value
        self._items.move_to_end(key)
        if len(self._items) > self._most:
            self._items.popitem(last=False)

    def get(self, key: Key) -> Value | None:
        return self._items.get(key)

    def forget(self, key: Key) -> None:
        self._items.pop(key, None)

    def items(self) -> list[tuple[Key, Value]]:
        return list(self._items.items())
