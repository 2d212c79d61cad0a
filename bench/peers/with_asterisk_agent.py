"""asterisk-agent in its AMI mode, as its own service starts it; `bench.agent` runs it.

    python with_asterisk_agent.py AMI_PORT WEBHOOK_URL     # prints `logged in` and runs until it is ended

Its logging stays off, which spares it a few log lines for each event.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Final

from asterisk_agent import Ami, AmiConfig  # type: ignore[import-not-found]  # the peer's environment has it

EVENT: Final = "Newchannel"
"""The one kind of event that it is told to post: more would only make it slower."""


async def _serve(ami_port: int, webhook_url: str) -> None:
    settings = AmiConfig(
        host="127.0.0.1",
        port=ami_port,
        login="lab",
        password="lab-secret",
        events_ignore=[],
        events_used=[EVENT],
    )
    agent = Ami(settings, api_key_base64="", webhook_url=webhook_url)
    await agent.start_catch_events()
    while not agent.client.authenticated:
        await asyncio.sleep(0.05)
    print("logged in", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), sys.argv[2]))
