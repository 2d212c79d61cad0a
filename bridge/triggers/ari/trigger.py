"""`Trigger`: the link to one Asterisk by ARI. What it is for: `bridge.triggers._pbx`."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from bridge.model import Finding
from bridge.protocols.ari import Rest, Session, connect
from bridge.protocols.link import KeptLink
from bridge.triggers._pbx import PbxTrigger
from bridge.triggers._watch import Watched
from bridge.triggers.ari.check import check_user
from bridge.triggers.ari.settings import Config
from bridge.triggers.ari.watch import Watch


class Trigger(PbxTrigger[Config, Session]):
    """Its faults are about `ari/<name>`."""

    way: ClassVar = "ari"

    async def check(self) -> list[Finding]:
        """Connect as the trigger would, and report on rights and version. Harmless on a live PBX."""
        return await check_user(self._subject, self._config, self._clock)

    def _require_usable(self, config: Config) -> None:
        if config.encrypted:
            config.tls.context()

    def _open(self, watched: Watched) -> tuple[KeptLink[Session], Watch]:
        rest = Rest(self._config, name=self._subject, clock=self._clock)
        dial = partial(connect, self._config, app=self._config.app_name(self._name), clock=self._clock)
        link = KeptLink(dial, clock=self._clock, name=self._subject, on_change=self._story.changed)
        return link, Watch(rest, watched)
