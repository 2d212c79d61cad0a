"""`Trigger`: the link to one Asterisk by AMI. What it is for: `bridge.triggers._pbx`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import ClassVar

from bridge.errors import ConfigError
from bridge.model import Finding
from bridge.protocols.ami_link import Link, Session
from bridge.triggers._pbx import PbxTrigger, TriggerStatus
from bridge.triggers._watch import Watched
from bridge.triggers.ami.check import check_account, check_log
from bridge.triggers.ami.settings import Config
from bridge.triggers.ami.watch import Watch


class Trigger(PbxTrigger[Config, Session]):
    """Its faults are about `ami/<name>`."""

    way: ClassVar = "ami"

    @property
    def status(self) -> TriggerStatus:
        status = super().status
        session = self._link.session if self._link else None
        if session is None:
            return status
        return replace(status, version=session.version, clock_offset=session.clock_offset)

    async def check(self) -> list[Finding]:
        """Log in as the trigger would, and report on rights and version. Harmless on a live PBX."""
        try:
            account = self._config.account()
        except ConfigError as error:
            return [Finding(level="error", subject=self._subject, text=str(error))]
        found = await check_account(self._subject, account, self._clock)
        if (file := self._config.cel_file) is not None:
            found.append(await asyncio.to_thread(check_log, self._subject, file))
        return found

    def _require_usable(self, config: Config) -> None:
        config.account()

    def _open(self, watched: Watched) -> tuple[Link, Watch]:
        account = self._config.account()
        link = Link(account, clock=self._clock, name=self._subject, on_change=self._story.changed)
        return link, Watch(watched)
