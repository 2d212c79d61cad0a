"""A VMS for the tests: records and bookmarks, moves cameras, shows nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from pydantic import BaseModel, ConfigDict, Field

from bridge.errors import ConfigError
from bridge.model import Capability, Clock, Delivery, Finding, Inventory, Operation, Receipt, Targets
from bridge.protocols.secret import Secret


class Login(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    user: str = "bridge"
    """Who logs in."""
    password: Secret
    """Of the user."""


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str
    """Name or address of the server. And more words."""
    port: int = Field(default=80, ge=1, le=65535)
    """TCP port."""
    login: Login | None = None
    """Who logs in, where the server wants that."""
    labels: tuple[str, ...] = ()
    """Free words."""


class Driver:
    capabilities: Mapping[Operation, Capability] = {
        Operation.START_RECORDING: Capability.REPEATABLE,
        Operation.STOP_RECORDING: Capability.REPEATABLE,
        Operation.BOOKMARK: Capability.ASK_FIRST,
        Operation.RECALL_PRESET: Capability.REPEATABLE,
        Operation.EVENT_START: Capability.BY_RULE,
        Operation.SHOW: Capability.IMPOSSIBLE,
    }

    def __init__(self, name: str, config: Config, *, targets: Targets, clock: Clock) -> None:
        self.name, self.config, self.targets, self.clock = name, config, targets, clock
        self.closed = False
        if config.host == "unbuildable":
            raise ConfigError("its certificate cannot be read")

    async def perform(self, delivery: Delivery) -> Receipt:
        raise NotImplementedError("nothing is performed in these tests")

    async def still_held(self, operation: Operation, target: str) -> bool | None:
        return None

    async def check(self) -> list[Finding]:
        return await CHECKS[self.config.host](self)

    async def inventory(self) -> Inventory:
        return await STOCKS[self.config.host](self)

    async def close(self) -> None:
        self.closed = True
        CLOSED.append(self.name)


CLOSED: list[str] = []
CHECKS: dict[str, Callable[[Driver], Awaitable[list[Finding]]]] = {}
"""host -> what `check` does; tests fill it."""
STOCKS: dict[str, Callable[[Driver], Awaitable[Inventory]]] = {}
"""host -> what `inventory` does; tests fill it."""
