"""The Python peers that speak SIP, aiosipua (0.7.1) and sippy (2.5.0): how their programs are started.

Called by `sip_contenders` and `sip_bridged`. The programs stand in `bench/peers`.
"""

from __future__ import annotations

from typing import Final

from bench.environments import PROGRAMS, python_of

VERSIONS: Final = {"aiosipua": "0.7.1", "sippy": "2.5.0"}


def command(name: str, *arguments: str) -> list[str]:
    """Return the command that starts the program of a peer. Raises PeerError where it cannot be installed."""
    wanted = [f"{each}=={version}" for each, version in VERSIONS.items()]
    python = python_of("-".join(("sip-peers", *VERSIONS.values())), wanted)
    return [str(python), str(PROGRAMS / f"with_{name}.py"), *arguments]
