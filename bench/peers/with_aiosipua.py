"""aiosipua as a user agent that answers every call at once; `bench.sip_contenders` runs it.

    python with_aiosipua.py PORT       # prints `ready` and runs until it is ended

It writes no log.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any, Final

from aiosipua import (  # type: ignore[import-not-found]  # the peer's environment has it
    SipUAS,
    UdpSipTransport,
    negotiate_sdp,
)

LOOPBACK: Final = "127.0.0.1"
MEDIA_PORT: Final = 40_000


async def _serve(port: int) -> None:
    logging.disable(logging.CRITICAL)
    uas = SipUAS(UdpSipTransport(local_addr=(LOOPBACK, port)))

    def answer(call: Any) -> None:
        call.accept(negotiate_sdp(call.sdp_offer, LOOPBACK, MEDIA_PORT, supported_codecs=[8])[0])

    uas.on_invite = answer
    await uas.start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
