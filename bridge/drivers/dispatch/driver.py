"""Starts the dialplan pack's calls, by AMI or ARI, and believes only what the dialplan reports back.

The dialplan owns the calls: killing the bridge right after one was asked for changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bridge.drivers.dispatch.ami_way import AmiWay
from bridge.drivers.dispatch.ari_way import AriWay
from bridge.drivers.dispatch.line import REPORTS, Line
from bridge.drivers.dispatch.request import Call, call_of
from bridge.drivers.dispatch.settings import Config
from bridge.drivers.dispatch.way import AlreadyThere, Heard, Way
from bridge.errors import ConfigError, DeliveryError, Permanent, ProtocolError, Retryable
from bridge.model import Capability, Clock, Delivery, DeliveryState, Finding, Operation, Receipt, Targets
from bridge.protocols.ami_account import Account
from bridge.protocols.ami_link import connect


class Driver:
    """The dispatch groups of one PBX. See `bridge.model.Driver`."""

    capabilities: Mapping[Operation, Capability] = MappingProxyType(
        {
            operation: Capability.ASK_FIRST if operation is Operation.NOTIFY else Capability.IMPOSSIBLE
            for operation in Operation
        }
    )

    def __init__(
        self,
        name: str,
        config: Config,
        *,
        targets: Targets,  # noqa: ARG002  # of cameras; dispatch has none
        clock: Clock,
    ) -> None:
        """Raises ConfigError if the TLS settings cannot be used."""
        self.name = name
        self._config = config
        self._clock = clock
        self._line = self._new_line(f"dispatch/{name}")

    async def perform(self, delivery: Delivery) -> Receipt:
        """Start the call, or, after a doubtful attempt, find out first whether it was started.

        VERIFIED when the dialplan itself reports this delivery, ACCEPTED when the PBX only queued it.
        """
        if delivery.operation is not Operation.NOTIFY:
            raise Permanent(f"{self.name}: dispatch cannot {delivery.operation}")
        call = call_of(delivery, self._config)
        await self._line.open()
        if delivery.doubtful and await self._line.is_known(delivery.id):
            return _verified("an earlier attempt had started it")
        return await self._start(call)

    async def check(self) -> list[Finding]:
        """Log in as both users and make the dialplan answer a question, which rings nobody."""
        heartbeat = await self._try_login("heartbeat", self._config.account(self._config.heartbeat))
        if self._line.used or not self._line.way.exclusive:
            return [heartbeat, await self._ask(self._line)]
        # This may not be the process that performs, and must not end the connection of the one that does.
        line = self._new_line(f"dispatch/{self.name}/check")
        try:
            return [heartbeat, await self._ask(line)]
        finally:
            await line.close()

    async def still_held(self, operation: Operation, target: str) -> bool | None:  # noqa: ARG002
        """A call is not held."""
        return None

    async def close(self) -> None:
        """End the connection. Calls go on."""
        await self._line.close()

    def _new_line(self, name: str) -> Line:
        return Line(self.name, lambda heard: self._open_way(name, heard), self._clock)

    def _open_way(self, name: str, heard: Heard) -> Way:
        config = self._config
        if config.ari is not None:
            return AriWay(config.ari, name=name, clock=self._clock, heard=heard)
        if config.originate is not None:
            return AmiWay(config.account(config.originate), name=name, clock=self._clock, heard=heard)
        raise ConfigError(f"{self.name}: neither `originate` nor `ari` is set")

    async def _start(self, call: Call) -> Receipt:
        try:
            report = await self._line.report_of(call, call.id)
        except AlreadyThere as error:
            if await self._line.is_known(call.id):
                return _verified("an earlier attempt had started it")
            raise Retryable(f"{self.name}: {error}") from error
        if report is None:
            proof = "the PBX queued the call; its dialplan has not reported"
            return Receipt(outcome=DeliveryState.ACCEPTED, proof=proof, reference=call.id)
        tier = report.fields.get("tier")
        return _verified(REPORTS[report.name] + (f", tier {tier}" if tier else ""))

    async def _ask(self, line: Line) -> Finding:
        subject = f"{self.name}/{line.way.setting}"
        try:
            await line.open()
            await line.is_known("check")
        except (DeliveryError, ProtocolError) as error:
            return Finding(level="error", subject=subject, text=str(error))
        text = f"{line.way.username} may start calls, and the dialplan pack answers"
        return Finding(level="ok", subject=subject, text=text)

    async def _try_login(self, what: str, account: Account) -> Finding:
        subject = f"{self.name}/{what}"
        try:
            session = await connect(account, clock=self._clock)
        except DeliveryError as error:
            return Finding(level="error", subject=subject, text=str(error))
        await session.close()
        return Finding(level="ok", subject=subject, text="logs in")


def _verified(proof: str) -> Receipt:
    return Receipt(outcome=DeliveryState.VERIFIED, proof=proof)
