"""What a registration asks of its owner, and tells it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TypeAlias

from bridge.protocols.sip.agent import Login, Settings, Target
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.headers.address import Address
from bridge.protocols.sip.headers.delta_seconds import DeltaSeconds
from bridge.protocols.sip.registration.settings import Account, Server
from bridge.protocols.sip.uri import SipUri, escape_user


class Due(enum.StrEnum):
    """What a timer is for."""

    REFRESH = "refresh"
    RETRY = "retry"
    HOME = "home"
    """Try the first server again, while we are at another."""


@dataclass(frozen=True, slots=True)
class Register:
    """Send a REGISTER: open a flow to `server`, then `Agent.request(id, "REGISTER", target(flow), sequence)`.

    What becomes of it is to be told with this very value: `Registration.answered` or `failed`. expires: 0
    unregisters.
    """

    server: Server
    account: Account
    sequence: tuple[str, int]
    expires: int

    def target(self, flow: Flow) -> Target:
        """Return whom to ask, and as whom. Reads the password: raises ConfigError."""
        domain = self.server.domain or self.server.host
        ours = Address(SipUri(domain, escape_user(self.account.user)))
        contact = Settings(user=escape_user(self.account.user)).contact(flow)
        return Target(
            uri=SipUri(domain),
            flow=flow,
            from_=ours,
            to=ours,
            login=self._login(),
            fields=(("Contact", contact), ("Expires", DeltaSeconds(self.expires))),
        )

    def _login(self) -> Login | None:
        if self.account.password is None:
            return None
        username = self.account.username or self.account.user
        return Login(username, self.account.password.reveal(), self.account.algorithms)


@dataclass(frozen=True, slots=True)
class Wait:
    """Call `Registration.fired` after so many seconds; it replaces one of that name."""

    due: Due
    after: float


@dataclass(frozen=True, slots=True)
class StopWaiting:
    due: Due


@dataclass(frozen=True, slots=True)
class Registered:
    """Calls reach us through `server`. Told once, and again when it is another server."""

    server: Server


@dataclass(frozen=True, slots=True)
class Lost:
    """No server has us, and why, for people. Told once until we are registered again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """Nothing more comes."""


Effect: TypeAlias = Register | Wait | StopWaiting | Registered | Lost | Stopped
