"""Who calls, and whether the call is taken: by digest user, registered contact, PBX or trunk.

The rule that never bends: an SOS from an allowed network is taken whoever it says it is, and is asked for
no password, because a telephone that has none, or a wrong one, gives up when it is asked. What it could not
prove is a fault. Everybody else proves who he is. Called by `switch` for each INVITE.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from bridge.errors import ConfigError, ProtocolError
from bridge.protocols.sip.agent.events import Offered
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.headers.challenge import Challenge
from bridge.protocols.sip.message import Request
from bridge.protocols.sip.registrar import Account, Refusal
from bridge.protocols.sip.uri import AbsoluteUri, SipUri, asks_for_help
from bridge.triggers.sip.settings import Config
from bridge.triggers.sip.telephones import Telephones
from bridge.triggers.sip.upstream import Upstream

_log = structlog.get_logger(__name__)

UNPROVEN: Final = "claims to be"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """endpoint: '' for one who has not proved to be anybody. claimed: who he says he is, then."""

    endpoint: str
    dialled: str
    number: str
    name: str
    claimed: str = ""


@dataclass(frozen=True, slots=True)
class Challenged:
    """Ask who it is: answer 401 with these."""

    challenges: Sequence[Challenge]


@dataclass(frozen=True, slots=True)
class Turned:
    """Turn the call away."""

    status: int


Verdict = Caller | Challenged | Turned


class Callers:
    """is_alarm: whether a dialled number is a cry for help, by the site as it is now.

    trunk_at: the trunk that an address belongs to, '' for none. unproven: told of somebody whose SOS was
    taken, how his proof failed, and where from. helped: told of each flow that an SOS is taken from.
    """

    def __init__(
        self,
        config: Config,
        telephones: Telephones,
        upstream: Upstream,
        *,
        is_alarm: Callable[[str], bool],
        trunk_at: Callable[[str], str],
        unproven: Callable[[str, str, str], None],
        helped: Callable[[Flow], None],
    ) -> None:
        self._config = config
        self._telephones = telephones
        self._upstream = upstream
        self._is_alarm = is_alarm
        self._trunk_at = trunk_at
        self._unproven = unproven
        self._helped = helped

    def judge(self, offered: Offered) -> Verdict:
        """Return who calls, or what he is to be told."""
        verdict = self._judged(offered)
        if isinstance(verdict, Caller) and (offered.help or self._is_alarm(verdict.dialled)):
            self._helped(offered.flow)
        return verdict

    def _judged(self, offered: Offered) -> Verdict:
        request, flow = offered.request, offered.flow
        dialled, number, name = dialled_in(request), *shown_in(request)
        help_wanted = offered.help or self._is_alarm(dialled)
        if place := self._upstream.called(dialled, flow) or self._trunk_at(flow.remote[0]):
            return Caller(endpoint=place, dialled=dialled, number=number, name=name)
        try:
            proof = self._telephones.judge(request)
        except (ConfigError, ProtocolError) as error:
            _log.error("a caller cannot be asked who it is", why=str(error))
            proof = Refusal((), reason=str(error))
        if isinstance(proof, Account):
            self._telephones.trusted(proof)
            return Caller(endpoint=proof.phone, dialled=dialled, number=number, name=name)
        if not (help_wanted and self._config.is_allowed(flow.remote[0])):
            self._telephones.refused(proof, flow, "INVITE")
            return Challenged(proof.challenges) if proof.challenges else Turned(500)
        endpoint = self._telephones.at(request, flow)
        self._complain(proof, endpoint, number, flow)
        return Caller(
            endpoint=endpoint, dialled=dialled, number=number, name=name, claimed="" if endpoint else number
        )

    def _complain(self, proof: Refusal, endpoint: str, number: str, flow: Flow) -> None:
        """Make a fault of an SOS that was taken from somebody who could not prove who he is."""
        if not proof.reason and endpoint:
            return  # it registered with its password, and was not asked again
        reason = proof.reason or "no password, and no registered telephone"
        self._unproven(proof.phone or proof.username or number or "nobody", reason, flow.remote[0])


def dialled_in(request: Request) -> str:
    """Return the number that was dialled, or the whole of a `urn:`. Untrusted text."""
    if asks_for_help(request.to.uri) and not asks_for_help(request.uri):
        return str(request.to.uri)
    return str(request.uri) if isinstance(request.uri, AbsoluteUri) else request.uri.username


def shown_in(request: Request) -> tuple[str, str]:
    """Return number and name of the caller as it says itself; '' for one who does not."""
    address = request.from_
    user = "" if isinstance(address.uri, AbsoluteUri) else address.uri.username
    hidden = isinstance(address.uri, SipUri) and address.uri.host.lower().endswith(".invalid")
    return ("", "") if hidden else (user, address.display_name)
