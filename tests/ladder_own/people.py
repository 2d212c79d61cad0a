"""The people and telephones of a scene: sipp and baresip, registered at the bridge's own exchange."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, Final, Self

from tests.parts.baresip import Baresip
from tests.parts.ports import free_port, give_back
from tests.parts.sip import Sipp
from tests.parts.sipp_steps import VIA, Phone, receive, scenario, send

PASSWORD: Final = "correct-horse"


def registers(user: str) -> str:
    """A telephone that registers with its password, at the port that it is called at afterwards."""
    return scenario(
        _register(user, 1),
        receive("401", auth="true"),
        _register(user, 2, f"[authentication username={user} password={PASSWORD}]"),
        receive("200"),
    )


def _register(user: str, cseq: int, *headers: str) -> str:
    return send(
        "REGISTER sip:[remote_ip]:[remote_port] SIP/2.0",
        VIA,
        f"From: {Phone(user).address};tag=[pid]caller[call_number]",
        f"To: {Phone(user).address}",
        "Call-ID: [call_id]",
        f"CSeq: {cseq} REGISTER",
        f"Contact: <sip:{user}@[local_ip]:[local_port]>",
        "Expires: 600",
        "Max-Forwards: 70",
        *headers,
        retransmits=True,
    )


class People:
    """All telephones of a test; the `with` ends them. port: where the exchange listens."""

    def __init__(self, port: int) -> None:
        self._exchange = port
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def crew(self, scenarios: Mapping[str, str]) -> dict[str, Sipp]:
        """Man these telephones: endpoint -> what its sipp does with calls."""
        ports = {user: free_port() for user in scenarios}
        for port in ports.values():
            self._open.callback(give_back, port)
        with ThreadPoolExecutor() as at_once:
            list(at_once.map(self._register, ports, ports.values()))
        return {
            user: self._open.enter_context(Sipp(text, local_port=ports[user], calls_wanted=0))
            for user, text in scenarios.items()
        }

    def baresip(self, user: str, **options: Any) -> Baresip:
        """Return a telephone with ears and a voice, registered."""
        return self._open.enter_context(Baresip(user, self._exchange, password=PASSWORD, **options))

    def caller(self, text: str, **load: Any) -> Sipp:
        """Start a sipp that dials 9110."""
        made = Sipp(text, remote_port=self._exchange, dialled="9110", **load)
        return self._open.enter_context(made)

    def _register(self, user: str, port: int) -> None:
        with Sipp(
            registers(user), local_port=port, remote_port=self._exchange, dialled=user, log_messages=False
        ) as sipp:
            sipp.finish(30)


def rung(people: Mapping[str, Sipp]) -> dict[str, int]:
    """Return who was called, and how often: by what sipp itself has written down."""
    calls = {
        user: len({m.header("Call-ID") for m in sipp.received("INVITE")}) for user, sipp in people.items()
    }
    return {user: count for user, count in calls.items() if count}
