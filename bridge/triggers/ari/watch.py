"""How an Asterisk is asked over ARI. When it is asked, and what becomes of it: `bridge.triggers._watch`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from bridge.calls.facts import Fact, LiveChannel
from bridge.errors import ProtocolError
from bridge.protocols.ari import Message, Rest, Session
from bridge.protocols.ari.events import text_at
from bridge.triggers import _watch
from bridge.triggers._watch import PACK_VARIABLE, Buffered, Watched
from bridge.triggers.ari.mapping import LINKEDID, channels_of, devices_of, fact_of

NO_LINKEDID: Final = (
    f"ari.conf's `channelvars` does not name {LINKEDID}: which channels belong to one call is not told, so"
    " who hung up and whether it rang is often unknown"
)


class Watch(_watch.Watch[Session, Message]):
    """Asks by requests beside the session. rest: closed with it."""

    def __init__(self, rest: Rest, watched: Watched) -> None:
        super().__init__(watched)
        self._rest = rest

    async def close(self) -> None:
        await self._rest.close()

    def _fact_of(self, message: Message, arrived: float) -> Fact | None:
        return fact_of(message, arrived)

    def _buffered(self, waiting: Sequence[Message]) -> Buffered:
        return Buffered(_ids(waiting, "ChannelCreated"), _ids(waiting, "ChannelDestroyed"))

    def _notice(self, message: Message) -> None:
        if message.type == "ChannelCreated":
            self._judge_channelvars(message.body.get("channel"))

    async def _channels(self, _: Session) -> list[LiveChannel]:
        rows = await self._list("/channels")
        for row in rows:
            self._judge_channelvars(row)
        return channels_of(rows, await self._list("/bridges"))

    async def _devices(self, _: Session) -> Iterable[Fact]:
        return devices_of(await self._list("/endpoints"), self._clock.now())

    async def _loaded_pack(self, _: Session) -> str:
        return text_at(await self._rest.get("/asterisk/variable", variable=PACK_VARIABLE), "value")

    async def _list(self, path: str) -> list[Any]:
        answer = await self._rest.get(path)
        if not isinstance(answer, list):
            raise ProtocolError(f"ARI's {path} is no list")
        return answer

    def _judge_channelvars(self, channel: object) -> None:
        if text_at(channel, "channelvars", LINKEDID):
            self._story.clear("channelvars")
        else:
            self._story.fault("channelvars", NO_LINKEDID)


def _ids(messages: Sequence[Message], kind: str) -> frozenset[str]:
    return frozenset(message.text("channel", "id") for message in messages if message.type == kind)
