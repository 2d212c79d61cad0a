"""ZoneMinder's REST API 2.0 (1.36 to 1.38), as far as an alarm needs it. Called by the zoneminder driver.

Source: zoneminder.readthedocs.io/en/latest/api.html, and what a real 1.36.33 answered. It refuses in three
ways: 401 or 404 with a JSON that repeats the token of the request; 200 with `"status":"false"` when its
helper program zmu failed; 200 with a text that says it did nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final

from bridge.errors import ConfigError, Permanent, Retryable
from bridge.model import NOTHING, Clock
from bridge.protocols.http import Effect, HttpAnswer, HttpLink, Refused
from bridge.protocols.http_limits import NO_LIMITS, Limits
from bridge.protocols.http_refusal import LastRefusal
from bridge.protocols.http_token import Token, Tokens
from bridge.protocols.secret import Secret
from bridge.protocols.zoneminder_values import (
    AlarmState,
    Monitor,
    VideoEvent,
    number_in,
    object_in,
    parse_event,
    parse_monitor,
    part_in,
    rows_in,
    token_in,
)

RENEW_BEFORE: Final = 300.0
"""Seconds before its end that a token is renewed: a log-in takes 0.3 to 1 s, which an SOS should not wait."""
LOG_IN_PAGE: Final = frozenset({302, 303, 307})
"""Statuses by which index.php sends whoever is not logged in to its log-in page."""
NAME_LENGTH: Final = 64
"""Characters of an event's name; a longer one is answered with HTTP 500."""


class HelperFailed(Retryable):
    """ZoneMinder's own program zmu could not ask: capture is down, or the user may not view streams."""


class ZoneMinderApi:
    """The calls, each with the log-in it needs."""

    def __init__(self, link: HttpLink, *, user: str, password: Secret, clock: Clock) -> None:
        self._link = link
        self._user = user
        self._password = password
        self._clock = clock
        self._last_refusal = LastRefusal(clock)
        self._tokens = Tokens(self._log_in, clock)
        self._version = ""

    @property
    def protected(self) -> bool:
        """Whether the last log-in gave a token: without one, anybody may do what we do."""
        return self._tokens.given

    async def log_in(self, limits: Limits = NO_LIMITS) -> str:
        """Get a new token. Returns ZoneMinder's version. Raises Permanent if it refuses the user."""
        await self._tokens.renew(limits)
        return self._version

    async def _log_in(self, limits: Limits) -> Token:
        try:
            password = self._password.reveal()
        except ConfigError as error:
            raise Permanent(f"no log-in at ZoneMinder: {error}") from None
        self._link.conceal(password)
        self._last_refusal.respect(password)
        try:
            answer = await self._link.request(
                "POST",
                "/api/host/login.json",
                effect=Effect.NONE,
                data={"user": self._user, "pass": password},
                deadline=limits.deadline,
                urgent=limits.urgent,
            )
        except Refused as error:
            if error.status not in (401, 403):
                raise
            why = f"ZoneMinder refuses the user {self._user}: {error}"
            raise self._last_refusal.remember(password, why) from error
        said = object_in(answer)
        token = token_in(answer, said)
        life = number_in(answer, said.get("access_token_expires")) if token else math.inf
        self._link.conceal(token)
        self._version = str(said.get("version", ""))
        return Token(token, renew_at=self._clock.monotonic() + life - RENEW_BEFORE)

    async def state(self, monitor: str, limits: Limits = NO_LIMITS) -> AlarmState:
        """Ask for the alarm state. Raises HelperFailed where zmu cannot."""
        answer = await self._alarm(monitor, "status", Effect.NONE, limits)
        try:
            return AlarmState(int(number_in(answer, object_in(answer).get("status"))))
        except ValueError:
            raise answer.unusable("unknown alarm state") from None

    async def force_alarm(self, monitor: str, limits: Limits = NO_LIMITS, *, within: float) -> int | None:
        """Force the alarm; return the id of the event that records, or None if none does.

        ZoneMinder waits up to 10 s for the camera before it answers, so a camera without pictures looks like
        a server that does not answer; the order stands, and takes effect when the pictures come back.
        Raises Permanent if the monitor's function does not allow alarms.
        """
        answer = await self._alarm(monitor, "on", Effect.ONCE, limits, within=within)
        text = str(object_in(answer).get("status"))
        if match := re.search(r"Alarmed event id: (\d{1,18})\b", text):
            return int(match[1])
        if "cannot handle alarms" in text:
            raise Permanent(f"monitor {monitor}: ZoneMinder says: {self._link.excerpt(text)}")
        if "Forcing alarm" in text:
            return None
        raise answer.unusable(f"unexpected answer: {self._link.excerpt(text)}")

    async def cancel_alarm(self, monitor: str, limits: Limits = NO_LIMITS) -> None:
        """Take a forced alarm back; one from motion goes on. Harmless when there is none."""
        answer = await self._alarm(monitor, "off", Effect.REPEATABLE, limits)
        text = str(object_in(answer).get("status"))
        if "Cancelling forced alarm" not in text:
            raise answer.unusable(f"unexpected answer: {self._link.excerpt(text)}")

    async def latest_event(self, monitor: str, limits: Limits = NO_LIMITS) -> VideoEvent | None:
        """The monitor's newest event, open or not."""
        return next(iter(await self.latest_events(monitor, limits, count=1)), None)

    async def latest_events(
        self, monitor: str, limits: Limits = NO_LIMITS, *, count: int
    ) -> list[VideoEvent]:
        """The monitor's `count` newest events, open or not, the newest first."""
        newest = {"sort": "Id", "direction": "desc", "limit": str(count)}
        return await self._events(f"MonitorId:{monitor}", limits, newest)

    async def event(self, number: int, limits: Limits = NO_LIMITS) -> VideoEvent | None:
        """The event, without its frames: hours of them make an answer of many megabytes."""
        return next(iter(await self._events(f"Id:{number}", limits)), None)

    async def annotate(self, number: int, limits: Limits = NO_LIMITS, *, name: str, notes: str) -> None:
        """Name an event, write its notes, and keep it from the filter that empties full disks."""
        data = {"Event[Name]": name[:NAME_LENGTH], "Event[Notes]": notes, "Event[Archived]": "1"}
        await self._edit_event(number, data, limits)

    async def archive(self, number: int, limits: Limits = NO_LIMITS) -> None:
        """Keep an event from the filter that empties full disks."""
        await self._edit_event(number, {"Event[Archived]": "1"}, limits)

    async def control(self, monitor: str, command: str, limits: Limits = NO_LIMITS) -> None:
        """Send a PTZ command such as `presetGoto7`. ZoneMinder says Ok whatever the camera does."""
        params = {"view": "request", "request": "control", "id": monitor, "control": command}
        for last in (False, True):
            token = await self._tokens.valid(limits)
            try:
                answer = await self._call("GET", "/index.php", Effect.REPEATABLE, limits, params=params)
            except Refused as error:
                if error.status not in LOG_IN_PAGE or last:
                    raise
            else:
                said = object_in(answer)
                if said.get("result") == "Ok":
                    return
                if last:
                    why = self._link.excerpt(str(said.get("message")))
                    raise Permanent(f"PTZ of monitor {monitor}: ZoneMinder says: {why}")
            self._tokens.drop(token)  # it has no 401 here for a token that ran out, only such words

    async def monitor(self, number: str, limits: Limits = NO_LIMITS) -> Monitor:
        """One monitor with its health. Raises Refused 404 if there is none."""
        answer = await self._call("GET", f"/api/monitors/{number}.json", Effect.NONE, limits)
        return parse_monitor(answer, object_in(answer).get("monitor"))

    async def monitors(self) -> list[Monitor]:
        answer = await self._call("GET", "/api/monitors.json", Effect.NONE)
        return [parse_monitor(answer, row) for row in rows_in(answer, "monitors")]

    async def presets_of_control_types(self) -> dict[str, int]:
        """Control type -> how many presets it can recall; types that have none are left out."""
        answer = await self._call("GET", "/api/controls.json", Effect.NONE)
        types = [part_in(answer, row, "Control") for row in rows_in(answer, "controls")]
        return {
            str(kind.get("Id")): int(number_in(answer, kind.get("NumPresets") or 0))
            for kind in types
            if kind.get("HasPresets")
        }

    async def daemons_run(self) -> bool:
        answer = await self._call("GET", "/api/host/daemonCheck.json", Effect.NONE)
        return object_in(answer).get("result") == 1

    async def may_edit_events(self) -> bool:
        """Whether the user may write bookmarks: event 0 never exists, and rights are checked before that."""
        try:
            await self._call("PUT", "/api/events/0.json", Effect.REPEATABLE, data={"Event[Archived]": "1"})
        except Refused as error:
            return error.status == 404
        return True

    async def rights(self) -> Mapping[str, str] | None:
        """The user's own rights by area (None, View, Edit), or None if it may not read them."""
        try:
            answer = await self._call("GET", "/api/users.json", Effect.NONE)
        except Refused:
            return None
        users = [part_in(answer, row, "User") for row in rows_in(answer, "users")]
        return next((user for user in users if user.get("Username") == self._user), None)

    async def _alarm(
        self, monitor: str, command: str, effect: Effect, limits: Limits, *, within: float | None = None
    ) -> HttpAnswer:
        path = f"/api/monitors/alarm/id:{monitor}/command:{command}.json"
        answer = await self._call("GET", path, effect, limits, within=within)
        said = object_in(answer)
        if str(said.get("status")).lower() == "false":
            why = self._link.excerpt(str(said.get("error"))) or "no reason given"
            raise HelperFailed(
                f"monitor {monitor}: ZoneMinder's helper failed with code {said.get('code')} ({why}):"
                " is the camera's capture process running, and may the user view streams?"
            )
        return answer

    async def _events(
        self, which: str, limits: Limits, params: Mapping[str, str] = NOTHING
    ) -> list[VideoEvent]:
        path = f"/api/events/index/{which}.json"
        answer = await self._call("GET", path, Effect.NONE, limits, params=params)
        return [parse_event(answer, row) for row in rows_in(answer, "events")]

    async def _edit_event(self, number: int, data: Mapping[str, str], limits: Limits) -> None:
        answer = await self._call("PUT", f"/api/events/{number}.json", Effect.REPEATABLE, limits, data=data)
        if (said := object_in(answer).get("message")) != "Saved":
            raise answer.unusable(f"not saved: {self._link.excerpt(str(said))}")

    async def _call(
        self,
        method: str,
        path: str,
        effect: Effect,
        limits: Limits = NO_LIMITS,
        *,
        params: Mapping[str, str] = NOTHING,
        data: Mapping[str, str] | None = None,
        within: float | None = None,
    ) -> HttpAnswer:
        """Send with a valid token; after a 401 log in and send once more."""

        async def send(token: str) -> HttpAnswer:
            return await self._link.request(
                method,
                path,
                effect=effect,
                params={**params, "token": token} if token else params,
                data=data,
                within=within,
                deadline=limits.deadline,
                urgent=limits.urgent,
            )

        return await self._tokens.use(send, limits)
