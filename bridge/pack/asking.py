"""The questions that `live` puts to a PBX: over AMI or ARI, as the watching user, who can change nothing.

Of AMI that asks Getvar and ShowDialplan, for which `write = reporting` suffices; of ARI a user with
`read_only = yes`. ARI evaluates no dialplan function and shows no dialplan: what it cannot tell, it says.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol
from urllib.parse import quote

from bridge.errors import ProtocolError
from bridge.model import Finding
from bridge.protocols.ami_link import Refused as AmiRefused
from bridge.protocols.ami_link import Session
from bridge.protocols.ari import Rest
from bridge.protocols.ari.events import text_at
from bridge.protocols.http import Refused as AriRefused

MISSING = 404


class Dialplan(Protocol):
    """What can be asked of the dialplan that is loaded."""

    async def first_match(self, context: str, extension: str = "") -> str | None:
        """Return the context that a call to `extension` in `context` ends up in; None where there is none."""

    async def music_folder(self, music: str) -> str:
        """Return the folder of that music-on-hold class, which callers hear while they wait."""

    async def settings_of_person(self, families: Collection[str], endpoint: str) -> list[str]:
        """Return which of these AstDB families have an entry for the endpoint."""


class Pbx(Protocol):
    """Each question raises DeliveryError when the connection fails."""

    dialplan: Dialplan | None
    """None where the dialplan cannot be asked."""

    async def global_value(self, name: str) -> str:
        """Return a global variable, or the clock (`EPOCH`); '' for what is not there."""

    async def missing_modules(self, names: Collection[str]) -> list[str] | None:
        """Return which are not loaded; None where that cannot be told."""

    async def endpoint(self, name: str, setting: str) -> str:
        """Return a setting of a PJSIP endpoint; '' where there is no such endpoint."""

    async def aor(self, name: str, setting: str) -> str: ...

    async def device_state(self, device: str) -> str:
        """Return `UNAVAILABLE`, `INVALID` (there is none), or anything else for one that is there."""

    def untold(self) -> list[Finding]:
        """Return what cannot be asked over this link at all."""


class AmiPbx:
    """session: of the watching account."""

    def __init__(self, session: Session) -> None:
        self.dialplan: Dialplan | None = self
        self._session = session

    async def global_value(self, name: str) -> str:
        [answer] = await self._session.action("Getvar", {"Variable": name})
        return answer.get("Value")

    async def missing_modules(self, names: Collection[str]) -> list[str] | None:
        if not await self._loaded("pbx_config"):
            return None  # func_module, which tells, is not there itself
        return [name for name in names if not await self._loaded(name)]

    async def endpoint(self, name: str, setting: str) -> str:
        return await self.global_value(f"PJSIP_ENDPOINT({name},{setting})")

    async def aor(self, name: str, setting: str) -> str:
        return await self.global_value(f"PJSIP_AOR({name},{setting})")

    async def device_state(self, device: str) -> str:
        return await self.global_value(f"DEVICE_STATE({device})")

    async def first_match(self, context: str, extension: str = "") -> str | None:
        headers = {"Context": context, **({"Extension": extension} if extension else {})}
        try:
            rows = await self._session.action("ShowDialplan", headers)
        except AmiRefused:
            return None
        return next((row.get("Context") for row in rows if row.get("Extension")), None)

    async def music_folder(self, music: str) -> str:
        return await self.global_value(f"AST_CONFIG(musiconhold.conf,{music},directory)")

    async def settings_of_person(self, families: Collection[str], endpoint: str) -> list[str]:
        return [name for name in families if await self.global_value(f"DB({name}/{endpoint})")]

    def untold(self) -> list[Finding]:
        text = "`channelvars` cannot be read over AMI: make sure that it names SOS_UID, SOS_EXTEN and SOS_ACK"
        return [Finding(level="warning", subject="manager.conf", text=text)]

    async def _loaded(self, module: str) -> bool:
        return await self.global_value(f"IFMODULE({module}.so)") == "1"


class AriPbx:
    """rest: of the watching user."""

    def __init__(self, rest: Rest) -> None:
        self.dialplan: Dialplan | None = None
        self._rest = rest
        self._objects: dict[str, Mapping[str, str]] = {}
        """PJSIP's configuration by path, as far as it was asked for."""

    async def global_value(self, name: str) -> str:
        return text_at(await self._rest.get("/asterisk/variable", variable=name), "value")

    async def missing_modules(self, names: Collection[str]) -> list[str]:
        rows = _rows(await self._rest.get("/asterisk/modules"))
        running = {text_at(row, "name") for row in rows if text_at(row, "status") == "Running"}
        return [name for name in names if f"{name}.so" not in running]

    async def endpoint(self, name: str, setting: str) -> str:
        return (await self._object("endpoint", name)).get(setting, "")

    async def aor(self, name: str, setting: str) -> str:
        return (await self._object("aor", name)).get(setting, "")

    async def device_state(self, device: str) -> str:
        technology, _, resource = device.partition("/")
        try:
            endpoint = await self._rest.get(f"/endpoints/{technology}/{quote(resource, safe='')}")
        except AriRefused as error:
            if error.status != MISSING:
                raise
            return "INVALID"
        state = text_at(endpoint, "state")
        return "UNAVAILABLE" if state == "offline" else state

    def untold(self) -> list[Finding]:
        dialplan = (
            "ARI does not show it: whether every file is included, and where an alarm extension of a phone"
            " leads. On the PBX, `asterisk -rx 'dialplan show 9110@CONTEXT'` with a phone's context must name"
            " sos-alarm; then make a call"
        )
        named = "`channelvars` shows on a channel only: it must name CHANNEL(linkedid), SOS_EXTEN and SOS_ACK"
        told = {
            "dialplan": dialplan,
            "forwarding": "call forwarding and do-not-disturb in the PBX (AstDB) cannot be read over ARI",
            "musiconhold.conf": "cannot be read over ARI: it must include sosbridge/musiconhold.conf",
            "ari.conf": named,
        }
        return [Finding(level="warning", subject=subject, text=text) for subject, text in told.items()]

    async def _object(self, kind: str, name: str) -> Mapping[str, str]:
        path = f"/asterisk/config/dynamic/res_pjsip/{kind}/{quote(name, safe='')}"
        if path not in self._objects:
            try:
                rows = _rows(await self._rest.get(path))
            except AriRefused as error:
                if error.status != MISSING:
                    raise
                rows = []
            self._objects[path] = {text_at(row, "attribute"): text_at(row, "value") for row in rows}
        return self._objects[path]


def _rows(answer: Any) -> list[Any]:
    if not isinstance(answer, list):
        raise ProtocolError("ARI answered with no list where one was asked for")
    return answer
