"""Genetec Security Center's Web SDK, as far as an alarm needs it. Called by the genetec driver.

Sources: the wiki of Genetec/DAP (pages web-sdk-overview, -endpoints, -tasks, -video, -troubleshooting,
-system-endpoints), Genetec's WebSDKStudio sample, and public clients. There is no log-in: every request
carries Basic authentication whose user part is `user;ApplicationId` (RFC 7617). A success status proves
nothing here: the envelope's own status is looked at as well.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Final

from bridge.errors import ConfigError, Permanent, Retryable
from bridge.model import NOTHING
from bridge.protocols.genetec_text import argument, checked_command, guid, live_video, plain, stamp
from bridge.protocols.genetec_tile import TileContent, read_tile
from bridge.protocols.genetec_values import AlarmInstance, Envelope, Row, Status, opened, parse_instance
from bridge.protocols.http import Effect, HttpLink, Refused
from bridge.protocols.http_limits import NO_LIMITS, Limits
from bridge.protocols.secret import Secret

SYSTEM: Final = "00000000-0000-0000-0000-000000000007"
"""The entity SystemConfiguration, which holds the custom events (WebSDKStudio)."""
ENTITIES_A_CALL: Final = 10
PAGE_SIZE: Final = 1000
MOST_PAGES: Final = 100
NOT_UNDERSTOOD: Final = frozenset({400, 404})
"""Statuses with which it answers a command or a property that it does not know, and an unknown entity."""


class Failed(Retryable):
    """The Web SDK understood the request and said `Fail`: nothing was done.

    Retryable, because a Directory that is just failing over says the same as one that knows no such entity.
    """


class WebSdk:
    """The calls. Each raises what `HttpLink.request` raises, Failed, and ProtocolError for bad arguments."""

    def __init__(self, link: HttpLink, *, user: str, application_id: Secret, password: Secret) -> None:
        self._link = link
        self._user = user
        self._application_id = application_id
        self._password = password

    # --- asking -------------------------------------------------------------------------------------

    async def ping(self) -> None:
        """Prove that the role lives and takes our credentials and our application's licence."""
        await self._ask("GET", "/")

    async def entity(self, which: str, *columns: str, limits: Limits = NO_LIMITS) -> Row:
        """These properties of one entity. Raises Failed if there is none, or the user may not see it."""
        q = ",".join([f"entity={guid(which)}", *columns])
        return (await self._ask("GET", "/entity", q=q, limits=limits)).only_row()

    async def entities(self, which: Iterable[str], *columns: str) -> list[Row]:
        """These properties of several entities, a few in a call."""
        rows: list[Row] = []
        waiting = [guid(one) for one in which]
        for first in range(0, len(waiting), ENTITIES_A_CALL):
            some = waiting[first : first + ENTITIES_A_CALL]
            q = ",".join(",".join([f"entity={one}", *columns]) for one in some)
            rows += (await self._ask("GET", "/entity", q=q)).rows()
        return rows

    async def by_logical_id(self, kind: str, number: int) -> Row:
        """An entity by the number that people gave it. Raises Failed if there is none."""
        return (await self._ask("GET", f"/entity/LogicalId({kind},{number})")).only_row()

    async def guids_of(self, kind: str) -> list[str]:
        """Every entity of a kind (`Camera`, `Application`, ...) that the user may see."""
        seen: dict[str, None] = {}
        for page in range(1, MOST_PAGES + 1):
            q = f"EntityTypes@{kind},Page={page},PageSize={PAGE_SIZE}"
            rows = (await self._ask("GET", "/report/EntityConfiguration", q=q)).rows()
            for row in rows[:PAGE_SIZE]:
                seen |= dict.fromkeys(row.guids("Guid"))
            if len(rows) <= PAGE_SIZE:  # one row more says that there is another page
                break
        return list(seen)

    async def custom_events(self) -> frozenset[int]:
        """Numbers that occur in the list of custom events: every event's own among them."""
        found = await self._ask("GET", "/entity", q=f"entity={SYSTEM},CustomEvents")
        return found.numbers

    # --- events, bookmarks, messages ----------------------------------------------------------------

    async def raise_event(self, number: int, entity: str, message: str, limits: Limits = NO_LIMITS) -> None:
        """Raise a custom event at an entity.

        The message goes into `msg`, where it may hold a slash (as a part of the path it may not). A repeat
        sets off the site's rules again.
        """
        path = f"/events/RaiseCustomEvent/{number}/{guid(entity)}"
        await self._ask("POST", path, msg=plain(message), effect=Effect.ONCE, limits=limits)

    async def add_bookmark(self, camera: str, at: float, text: str, limits: Limits = NO_LIMITS) -> None:
        """Mark a moment (UTC epoch seconds) of a camera's recording. A repeat makes another mark."""
        q = f"AddCameraBookmark({guid(camera)},{stamp(at)},{argument(text)})"
        await self.command(q, limits)

    async def send_message(self, users: Iterable[str], text: str, limits: Limits = NO_LIMITS) -> None:
        """Show a text to users where they are logged on. Who is not logged on never sees it."""
        q = ",".join(f"SendMessage({guid(user)},{argument(text)})" for user in users)
        await self.command(q, limits)

    async def command(
        self, q: str, limits: Limits = NO_LIMITS, *, method: str = "POST", path: str = "/action"
    ) -> Envelope:
        """Send a command that may be sent twice."""
        return await self._ask(method, path, q=q, effect=Effect.REPEATABLE, limits=limits)

    # --- tiles --------------------------------------------------------------------------------------

    async def show_in_tile(self, monitor: int, tile: int, content: str, limits: Limits = NO_LIMITS) -> None:
        """Give a tile of a Security Desk its content. Lost without a word if no Security Desk runs there.

        monitor: the LogicalId of the Monitor entity. tile: counted from 1. content: a TileContentGroup.
        """
        await self.command(f"DisplayInTile({monitor},{tile},{content})", limits)

    async def show_camera(self, monitor: int, tile: int, camera: str, limits: Limits = NO_LIMITS) -> None:
        await self.show_in_tile(monitor, tile, live_video(camera), limits)

    async def tile(self, monitor: int, tile: int, limits: Limits = NO_LIMITS) -> TileContent:
        """What a tile shows now."""
        q = f"GetTile({monitor},{tile})"
        said = await self._ask("POST", "/action", q=q, limits=limits)
        return read_tile(said.words, said.texts())

    # --- alarms -------------------------------------------------------------------------------------

    async def trigger_alarm(self, alarm: str, camera: str = "", limits: Limits = NO_LIMITS) -> None:
        """Trigger an alarm: a GET that makes a new instance every time, so never repeated blindly.

        camera: the source that operators see first; without one the alarm's own attached entities serve.
        """
        source = f",{guid(camera)}" if camera else ""
        q = f"TriggerAlarm({guid(alarm)}{source})"
        await self._ask("GET", "/alarm", q=q, effect=Effect.ONCE, limits=limits)

    async def acknowledge_alarm(self, instance: int, alarm: str, limits: Limits = NO_LIMITS) -> None:
        """Acknowledge one instance (WebSDKStudio does it so, by a GET)."""
        q = f"AcknowledgeAlarm({instance},{guid(alarm)},Ack)"
        await self._ask("GET", "/alarm", q=q, effect=Effect.REPEATABLE, limits=limits)

    async def active_instances(self, alarm: str, limits: Limits = NO_LIMITS) -> list[AlarmInstance]:
        """The instances of an alarm that nobody has acknowledged."""
        return await self._instances(f"Alarms@({guid(alarm)}),States@Active", limits)

    async def acknowledged_instances(
        self, alarm: str, since: float, until: float, limits: Limits = NO_LIMITS
    ) -> list[AlarmInstance]:
        """The instances triggered between these times (UTC epoch seconds) that were acknowledged.

        How a report is confined to a time is documented for others than this one. Where that cannot be read,
        all that were ever acknowledged are asked for: for years of them the Web SDK says TooManyResults.
        """
        which = f"Alarms@({guid(alarm)}),States@Acked"
        span = f"TriggeredTimeRange.SetTimeRange({stamp(since)},{stamp(until)})"
        try:
            return await self._instances(f"{which},{span}", limits)
        except Failed:
            pass
        except Refused as error:
            if error.status not in NOT_UNDERSTOOD:
                raise
        return await self._instances(which, limits)

    async def _instances(self, q: str, limits: Limits) -> list[AlarmInstance]:
        found = await self._ask("GET", "/report/AlarmActivity", q=q, limits=limits)
        return [parse_instance(found.answer, row) for row in found.rows()]

    # --- the wire -----------------------------------------------------------------------------------

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        q: str = "",
        msg: str = "",
        effect: Effect = Effect.NONE,
        limits: Limits = NO_LIMITS,
    ) -> Envelope:
        """Send, and once more after a 401: the role may have forgotten an idle session's credentials."""
        params = {"q": checked_command(q)} if q else {"msg": msg} if msg else NOTHING
        try:
            return await self._send(method, path, params, effect, limits)
        except Refused as error:
            if error.status != 401:
                raise _explained(error) from None
        try:
            return await self._send(method, path, params, effect, limits)
        except Refused as error:
            raise _explained(error) from None

    async def _send(
        self, method: str, path: str, params: Mapping[str, str], effect: Effect, limits: Limits
    ) -> Envelope:
        answer = await self._link.request(
            method,
            path,
            effect=effect,
            params=params,
            headers={"Authorization": self._credentials(), "Accept": "text/json"},
            deadline=limits.deadline,
            urgent=limits.urgent,
        )
        envelope = opened(answer)
        if envelope.status == Status.OK:
            return envelope
        said = self._link.excerpt(envelope.words)
        if envelope.status == Status.FAIL:
            raise Failed(f"{answer.unusable(f'the Web SDK says Fail: {said}')}")
        raise answer.unusable(f"the Web SDK says {envelope.status}, so not all was done or told: {said}")

    def _credentials(self) -> str:
        """Raises Permanent if a secret cannot be read."""
        try:
            application_id, password = self._application_id.reveal(), self._password.reveal()
        except ConfigError as error:
            raise Permanent(f"no request to the Web SDK: {error}") from None
        pair = base64.b64encode(f"{self._user};{application_id}:{password}".encode()).decode()
        for secret in (application_id, password, pair):
            self._link.conceal(secret)
        return f"Basic {pair}"


def _explained(error: Refused) -> Refused:
    """Say what the status means at this system, where that is known."""
    meaning = {
        400: "it could not read the command, or knows no such entity",
        401: "it refuses the user, its password or the application id (a user of Active Directory cannot sign"
        " in here)",
        403: "its licence does not hold this application's part number, or the user lacks a privilege",
        404: "base_url must be the Web-based SDK role's address with its base URI (/WebSdk)",
    }.get(error.status)
    return Refused(f"{error}: {meaning}", error.status) if meaning else error
