"""A PBX link for the tests."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from bridge.model import Accept, Clock, Finding
from bridge.protocols.secret import Secret


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str
    """Name or address of the PBX."""
    secret: Secret | None = None
    """Of the user."""


class Trigger:
    def __init__(self, name: str, config: Config, *, clock: Clock) -> None:
        self.name, self.config, self.clock = name, config, clock

    async def run(self, accept: Accept) -> None:
        raise NotImplementedError("nothing runs in these tests")

    async def check(self) -> list[Finding]:
        return [Finding(level="ok", subject=self.name, text="logged in")]
