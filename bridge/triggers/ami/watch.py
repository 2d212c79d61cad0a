"""How an Asterisk is asked over AMI. When it is asked, and what becomes of it: `bridge.triggers._watch`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from bridge.calls.facts import Fact, LiveChannel
from bridge.protocols.ami import Message
from bridge.protocols.ami_link import Refused, Session
from bridge.triggers import _watch
from bridge.triggers._watch import PACK_VARIABLE, Buffered
from bridge.triggers.ami.mapping import channel_of, fact_of

RIGHTS: Final = "the account needs `write = reporting` in manager.conf"


class Watch(_watch.Watch[Session, Message]):
    """Asks by actions on the session itself."""

    def _fact_of(self, message: Message, arrived: float) -> Fact | None:
        return fact_of(message, arrived)

    def _buffered(self, waiting: Sequence[Message]) -> Buffered:
        return Buffered(_uniqueids(waiting, "Newchannel"), _uniqueids(waiting, "Hangup"))

    def _notice(self, message: Message) -> None:
        if message.event == "Reload":
            self._reloaded.set()

    async def _channels(self, session: Session) -> list[LiveChannel] | None:
        try:
            answer = await session.action("CoreShowChannels")
        except Refused as error:
            self._story.fault("rights", f"calls of a gap cannot be recovered ({error.text}): {RIGHTS}")
            return None
        self._story.clear("rights")
        return [channel_of(message) for message in answer if message.event == "CoreShowChannel"]

    async def _devices(self, session: Session) -> Iterable[Fact]:
        try:
            rows = (await session.action("DeviceStateList"))[1:]
        except Refused:  # only a comfort
            return []
        now = self._clock.now()
        facts = (fact_of(row, now) for row in rows)
        return [fact for fact in facts if fact is not None]

    async def _loaded_pack(self, session: Session) -> str | None:
        try:
            [answer] = await session.action("Getvar", {"Variable": PACK_VARIABLE})
        except Refused as error:
            text = f"the loaded dialplan pack cannot be read ({error.text}): {RIGHTS}"
            self._story.fault("pack_drift", text)
            return None
        return answer.get("Value")


def _uniqueids(messages: Sequence[Message], event: str) -> frozenset[str]:
    return frozenset(message.get("Uniqueid") for message in messages if message.event == event)
