"""The trigger as a process of its own, to be killed: `python -m tests.triggers_sip.alone FOLDER SETTINGS`.

Each event is a line of JSON on stdout; `{"ready": true}` when it runs.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from bridge.model import Event
from bridge.triggers.sip import Config, Trigger
from tests.triggers_sip.house import PLAN, RealClock, site_of


async def accept(event: Event) -> None:
    said = {"kind": event.kind, "endpoint": event.endpoint, "key": event.key, **event.attributes}
    print(json.dumps(said), flush=True)


async def main(folder: Path, settings: str) -> None:
    trigger = Trigger(
        "own",
        Config.model_validate_json(settings),
        clock=RealClock(),
        plan=lambda: PLAN,
        site=site_of,
        state_dir=folder,
    )
    running = asyncio.create_task(trigger.run(accept))
    while not trigger.status.up and not running.done():  # noqa: ASYNC110 - its status is all there is to see
        await asyncio.sleep(0.02)
    print(json.dumps({"ready": True}), flush=True)
    await running


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
