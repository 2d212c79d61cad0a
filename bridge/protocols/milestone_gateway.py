"""The way through a Milestone API Gateway: the token, paging, and tasks that go on. Knows no single call.

Called by `bridge.protocols.milestone` (the REST calls) and `milestone_feed` (which needs the token only).
Source: "MIP VMS RESTful Config API" at doc.developer.milestonesys.com/mipvmsapi/api/config-rest/v1/, chapters
"Get started", "Filters and pagination" and "Tasks".
"""

from __future__ import annotations

import asyncio
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bridge.errors import ConfigError, DeliveryError, Permanent, Retryable
from bridge.model import NOTHING, Clock
from bridge.protocols.http import SUCCESS, Effect, HttpAnswer, HttpLink, Refused
from bridge.protocols.milestone_values import Task, object_in, part_in, rows_in, task_in
from bridge.protocols.secret import Secret

REST: Final = "/api/rest/v1"
TOKEN_PATHS: Final = ("/API/IDP/connect/token", "/IDP/connect/token")
"""Through the gateway, and at the identity provider itself: some gateways do not pass the first one on."""
CLIENT_ID: Final = "GrantValidatorClient"
RENEW_AT: Final = 0.8
"""The part of a token's life after which the next request fetches another. There is no refresh token."""
PAGE: Final = 200
"""Rows of one page."""
MOST_PAGES: Final = 50
TASK_WAIT: Final = 10.0
"""Seconds until a task that goes on is given up."""
ASK_EVERY: Final = 0.5
REFUSED_FOR: Final = 60.0
"""Seconds for which refused credentials are not sent again: XProtect locks users out who keep trying."""
REFUSALS_OF_USERS: Final = frozenset({400, 401, 403})
"""OAuth says 400 `invalid_grant` (RFC 6749 5.2); gateways were seen to say 401."""
NO_SUCH_PATH: Final = frozenset({404, 405, 501})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long one call may take (UTC epoch seconds), and whether it goes before others."""

    deadline: float | None = None
    urgent: bool = False


NO_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A refused log-in. password: its hash; until: monotonic seconds."""

    password: int
    until: float
    why: str


class TaskFailed(Retryable):
    """The gateway took the task, and it ended in an error. The text says which."""


class MilestoneGateway:
    """One gateway and one basic user at it."""

    def __init__(self, link: HttpLink, *, user: str, password: Secret, clock: Clock) -> None:
        self._link = link
        self._user = user
        self._password = password
        self._clock = clock
        self._token = ""
        self._renew_at = 0.0
        self._token_path = TOKEN_PATHS[0]
        self._logging_in = asyncio.Lock()
        self._refusal: _Refusal | None = None

    async def log_in(self, limits: Limits = NO_LIMITS) -> None:
        """Get a new token. Raises Permanent if the user is refused."""
        try:
            password = self._password.reveal()
        except ConfigError as error:
            raise Permanent(f"no log-in at Milestone: {error}") from None
        self._link.conceal(password)
        self._spare(password)
        try:
            answer = await self._ask_for_token(password, limits)
        except Refused as error:
            if error.status not in REFUSALS_OF_USERS:
                raise
            why = f"Milestone refuses the user {self._user}: {error}"
            self._refusal = _Refusal(hash(password), self._clock.monotonic() + REFUSED_FOR, why)
            raise Permanent(why) from error
        self._refusal = None
        said = object_in(answer)
        token, life = said.get("access_token"), said.get("expires_in")
        if not isinstance(token, str) or not token or not isinstance(life, int | float):
            raise answer.unusable("the answer holds no token, or not how long it lasts")
        self._token = token
        self._renew_at = self._clock.monotonic() + life * RENEW_AT
        self._link.conceal(token)

    async def token(self, limits: Limits = NO_LIMITS) -> str:
        """Return a token that is good for a while. Raises what `log_in` does."""
        async with self._logging_in:
            if not self._token or self._clock.monotonic() >= self._renew_at:
                await self.log_in(limits)
            return self._token

    def drop(self, token: str) -> None:
        """Forget a refused token, unless another request has renewed it meanwhile."""
        if self._token == token:
            self._token = ""

    async def call(
        self,
        method: str,
        path: str,
        effect: Effect,
        limits: Limits = NO_LIMITS,
        *,
        params: Mapping[str, str] = NOTHING,
        json: Any = None,
        expect: Container[int] = SUCCESS,
    ) -> HttpAnswer:
        """Send to the REST interface with a token; after a 401 fetch another one and send once more.

        path: below `/api/rest/v1`.
        """
        for last in (False, True):
            token = await self.token(limits)
            try:
                return await self._link.request(
                    method,
                    REST + path,
                    effect=effect,
                    params=params,
                    json=json,
                    headers={"Authorization": f"Bearer {token}"},
                    expect=expect,
                    deadline=limits.deadline,
                    urgent=limits.urgent,
                )
            except Refused as error:
                if error.status != 401 or last:
                    raise
            self.drop(token)
        raise AssertionError("the second refusal is raised")

    async def find(
        self, path: str, limits: Limits = NO_LIMITS, *, params: Mapping[str, str] = NOTHING
    ) -> dict[str, Any] | None:
        """Return the object at `path`, or None where there is none (404)."""
        try:
            answer = await self.call("GET", path, Effect.NONE, limits, params=params)
        except Refused as error:
            if error.status != 404:
                raise
            return None
        return part_in(answer, "data")

    async def rows(
        self,
        path: str,
        limits: Limits = NO_LIMITS,
        *,
        params: Mapping[str, str] = NOTHING,
        pages: int = MOST_PAGES,
    ) -> list[dict[str, Any]]:
        """Return the list at `path`, page by page; at most `pages` of them."""
        found: list[dict[str, Any]] = []
        for page in range(pages):
            paging = {"page": str(page), "size": str(PAGE), **params}
            answer = await self.call("GET", path, Effect.NONE, limits, params=paging)
            rows = rows_in(answer)
            if rows and rows == found[-len(rows) :]:
                break  # what does not page answers the same again
            found += rows
            if len(rows) < PAGE:
                break
        return found

    async def task(
        self,
        path: str,
        name: str,
        effect: Effect,
        limits: Limits = NO_LIMITS,
        *,
        json: Any = None,
        expect: Container[int] = SUCCESS,
    ) -> tuple[HttpAnswer, Task]:
        """Perform a task and follow it to its end (chapter "Task progress and cleanup").

        Raises TaskFailed if it ends in an error or does not end in time.
        """
        body = {} if json is None else json
        answer = await self.call(
            "POST", path, effect, limits, params={"task": name}, json=body, expect=expect
        )
        if answer.status not in SUCCESS:
            return answer, Task(state="Error", error=self._link.excerpt(answer.body))
        task = task_in(answer, object_in(answer).get("result"))
        if not task.final:
            task = await self._followed(task, limits)
        if task.failed:
            raise TaskFailed(f"{name} at {path}: {self._link.excerpt(task.error) or task.state}")
        return answer, task

    async def _followed(self, task: Task, limits: Limits) -> Task:
        end = self._clock.monotonic() + TASK_WAIT
        while not task.final:
            if self._clock.monotonic() >= end:
                raise TaskFailed(f"task {task.number} is still {task.state} after {TASK_WAIT:g} s")
            await self._clock.sleep(ASK_EVERY)
            answer = await self.call("GET", f"/tasks/{task.number}", Effect.NONE, limits)
            task = task_in(answer, part_in(answer, "data"), number=task.number)
        try:
            tidy = {"task": "TaskCleanup"}
            await self.call("POST", f"/tasks/{task.number}", Effect.REPEATABLE, limits, params=tidy, json={})
        except DeliveryError:
            pass  # the task itself is done; the server forgets it later
        return task

    def _spare(self, password: str) -> None:
        """Raise what was answered to this password less than a minute ago, if that was a refusal."""
        known = self._refusal
        if known and known.password == hash(password) and self._clock.monotonic() < known.until:
            raise Permanent(f"{known.why} (not asked again for {REFUSED_FOR:g} s)")

    async def _ask_for_token(self, password: str, limits: Limits) -> HttpAnswer:
        """Post the credentials where they were taken before, or else at the other path."""
        first, *others = sorted(TOKEN_PATHS, key=lambda path: path != self._token_path)
        try:
            return await self._post_credentials(first, password, limits)
        except Refused as error:
            if error.status not in NO_SUCH_PATH:
                raise
        answer = await self._post_credentials(others[0], password, limits)
        self._token_path = others[0]
        return answer

    async def _post_credentials(self, path: str, password: str, limits: Limits) -> HttpAnswer:
        return await self._link.request(
            "POST",
            path,
            effect=Effect.NONE,
            data={
                "grant_type": "password",
                "username": self._user,
                "password": password,
                "client_id": CLIENT_ID,
            },
            deadline=limits.deadline,
            urgent=limits.urgent,
        )
