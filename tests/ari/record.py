"""Records ARI's events anew when Asterisk has changed: `python -m tests.ari.record 22 16 [scenario ...]`.

One file a scenario in tests/fixtures/ari/<version>: one event a line, as it came.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from bridge.protocols.ari import AriSettings, Session, connect
from bridge.protocols.secret import Secret
from tests.ami.clock import RunningClock
from tests.ami.stage import ENDPOINTS, MODULES, Stage
from tests.ari.conftest import WATCH_SECRET
from tests.ari.scenarios import ALL, FILES
from tests.parts.asterisk import Asterisk
from tests.parts.sip import Phones

FIXTURES: Final = Path(__file__).parent.parent / "fixtures" / "ari"
RECORDED: Final = (
    *("answered", "attended_transfer", "busy", "called_back", "cancelled", "feature_code", "fork"),
    *("line_breaks_in_the_name", "local", "no_answer", "picked_up_by_another", "press_one", "queue"),
    *("redirected", "refused_by_dialplan", "withheld"),
)
"""The rest is played live only (test_side_by_side.py): they would say nothing new."""
LEFT_OUT: Final = ("ChannelVarset", "ChannelDialplan", "ChannelCallerId", "ChannelConnectedLine")
"""Types of events that say nothing to us and would double the files."""


async def record(version: str, names: Sequence[str]) -> None:
    wanted = [scenario for scenario in ALL if scenario.name in (names or RECORDED)]
    with Asterisk(version, endpoints=ENDPOINTS, files=FILES, modules=MODULES) as pbx:
        settings = AriSettings(
            base_url=f"http://127.0.0.1:{pbx.http_port}",
            username="watch",
            secret=Secret("env", WATCH_SECRET),
        )
        session = await connect(settings, app="record", clock=RunningClock())
        for scenario in wanted:
            file = FIXTURES / version / f"{scenario.name}.jsonl"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(await _events(session, scenario.play, pbx))
        await session.close()


async def _events(session: Session, play: Callable[[Stage], None], pbx: Asterisk) -> str:
    lines: list[str] = []

    async def listen() -> None:
        async for message in session.events():
            if message.type not in LEFT_OUT:
                lines.append(json.dumps(message.body, ensure_ascii=False))  # noqa: PERF401  it is cancelled half-way

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0.1)
    lines.clear()  # what the scenario before caused
    with Phones() as phones:
        await asyncio.to_thread(play, Stage(pbx, phones))
        await asyncio.sleep(0.3)
    listening.cancel()
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    os.environ[WATCH_SECRET] = "watch-secret"
    scenarios = [argument for argument in sys.argv[1:] if argument not in ("22", "16")]
    for argument in sys.argv[1:]:
        if argument in ("22", "16"):
            asyncio.run(record(argument, scenarios))
