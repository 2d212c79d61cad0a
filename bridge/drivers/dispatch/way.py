"""How the PBX is asked to start a call, and how its dialplan's reports come back: by AMI or by ARI.

`Driver` and `Line` decide, a `Way` only carries: what `ami_way` and `ari_way` do differently, they hide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from bridge.drivers.dispatch.request import Call
from bridge.errors import Permanent
from bridge.protocols.link import LinkState


@dataclass(frozen=True, slots=True)
class Report:
    """What the dialplan says of a delivery (UserEvent)."""

    name: str
    """`SOSTier`, `SOSAsked`, ..."""
    delivery: str
    fields: Mapping[str, str]
    """By lower-case name."""


Heard = Callable[[Report], None]


class AlreadyThere(Permanent):
    """The PBX has a channel of this id, or so it says: an earlier attempt may have started the call."""


class Started(Protocol):
    """A call that the PBX has accepted to place."""

    async def outcome(self, timeout: float) -> object:
        """Return once it was answered.

        Raises Permanent when the call failed, Uncertain when nothing was heard of it within `timeout` seconds
        or the connection ended.
        """


class Way(Protocol):
    """One user's connection to the PBX."""

    setting: ClassVar[str]
    """The setting of `dispatch` that describes it."""
    exclusive: ClassVar[bool]
    """Whether the PBX keeps only one connection of its `name`, and ends the earlier one."""

    @property
    def name(self) -> str:
        """For a person: which link it is."""

    @property
    def username(self) -> str: ...

    @property
    def state(self) -> LinkState: ...

    async def run(self) -> None:
        """Keep the connection and hand the dialplan's reports over, until cancelled."""

    async def start(self, call: Call) -> Started:
        """Ask for the call, and return as soon as the PBX has it.

        Raises Retryable (nothing was sent), Uncertain (it may be ringing), AlreadyThere or Permanent
        (refused).
        """
