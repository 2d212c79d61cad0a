"""The way through a Milestone API Gateway: the token, paging, and tasks that go on. Knows no single call.

Called by `bridge.protocols.milestone` (the REST calls) and `milestone_feed` (which needs the token only).
Source: "MIP VMS RESTful Config API" at doc.developer.milestonesys.com/mipvmsapi/api/config-rest/v1/, chapters
"Get started", "Filters and pagination" and "Tasks".
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Container, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from bridge.errors import ConfigError, DeliveryError, Permanent, Retryable, Uncertain
from bridge.model import NOTHING, Clock
from bridge.protocols.http import SUCCESS, Effect, HttpAnswer, HttpLink, Refused
from bridge.protocols.http_ntlm import NtlmLogIn
from bridge.protocols.milestone_values import Task, number_in, object_in, part_in, rows_in, task_in
from bridge.protocols.secret import Secret

REST: Final = "/api/rest/v1"
TOKEN_PATHS: Final = ("/API/IDP/connect/token", "/IDP/connect/token")
"""Through the gateway, and at the identity provider itself: some gateways do not pass the first one on,
and none passes NTLM on."""
CLIENT_ID: Final = "GrantValidatorClient"
RENEW_AT: Final = 0.8
"""The part of a token's life after which the next request fetches another. There is no refresh token."""
PAGE: Final = 100
"""Rows of one page."""
MOST_PAGES: Final = 1000
LONGEST_LIFE: Final = 86_400.0
"""Seconds: what a token is believed to last at most."""
TASK_WAIT: Final = 10.0
"""Seconds until a task that goes on is given up."""
READ_BACK_SPARE: Final = 0.5
"""Seconds before a deadline at which asking what became of something ends, so that it can be told."""
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

    def earlier(self, seconds: float) -> Limits:
        """The same, with a deadline that is `seconds` before this one."""
        return self if self.deadline is None else replace(self, deadline=self.deadline - seconds)

    def wait(self, clock: Clock, seconds: float) -> float:
        """When a wait of `seconds` ends (monotonic seconds): not after the deadline."""
        left = seconds if self.deadline is None else min(seconds, self.deadline - clock.now())
        return clock.monotonic() + max(0.0, left)


NO_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A refused log-in. password: its hash; until: monotonic seconds."""

    password: int
    until: float
    why: str


class TaskFailed(Retryable):
    """The gateway took the task, and it ended in an error. The text says which."""


class TaskGoesOn(Uncertain):
    """The gateway took the task; its end was not seen."""


class MilestoneGateway:
    """One gateway and one user at it."""

    def __init__(
        self, link: HttpLink, *, user: str, password: Secret, clock: Clock, windows: bool = False
    ) -> None:
        """windows: the user is one of Windows, `DOMAIN\\name`, and not a basic user of XProtect."""
        self._link = link
        self._user = user
        self._windows = windows
        self._password = password
        self._clock = clock
        self._token = ""
        self._renew_at = 0.0
        self._token_paths: tuple[str, ...] = TOKEN_PATHS[1:] if windows else TOKEN_PATHS
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
        token, life = said.get("access_token"), number_in(said.get("expires_in"))
        if not isinstance(token, str) or not _is_token(token) or not life > 0:
            raise answer.unusable("the answer holds no token, or not how long it lasts")
        self._token = token
        self._renew_at = self._clock.monotonic() + min(life, LONGEST_LIFE) * RENEW_AT
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

    async def pages(
        self,
        path: str,
        limits: Limits = NO_LIMITS,
        *,
        params: Mapping[str, str] = NOTHING,
        size: int = PAGE,
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """Yield the list at `path`, page by page. Raises Retryable if it has no end."""
        before: list[dict[str, Any]] = []
        for page in range(MOST_PAGES):
            paging = {"page": str(page), "size": str(size), **params}
            rows = rows_in(await self.call("GET", path, Effect.NONE, limits, params=paging))
            if rows and rows == before:
                return  # what does not page answers the same again
            yield rows
            if len(rows) < size:
                return
            before = rows
        raise Retryable(f"the list {path} has no end: {MOST_PAGES * size} rows were read")

    async def rows(
        self,
        path: str,
        limits: Limits = NO_LIMITS,
        *,
        params: Mapping[str, str] = NOTHING,
        size: int = PAGE,
    ) -> list[dict[str, Any]]:
        """Return the whole list at `path`. Raises Retryable if it has no end."""
        return [row async for page in self.pages(path, limits, params=params, size=size) for row in page]

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

        Raises TaskFailed if it ends in an error, and TaskGoesOn if it was taken and its end is not seen.
        """
        body = {} if json is None else json
        answer = await self.call(
            "POST", path, effect, limits, params={"task": name}, json=body, expect=expect
        )
        if answer.status not in SUCCESS:
            return answer, Task(state="Error", error=self._link.excerpt(answer.body))
        task = task_in(answer, object_in(answer).get("result"))
        if not task.final:
            task = await self._followed(f"{name} at {path}", task, effect, limits)
        if task.failed:
            raise TaskFailed(f"{name} at {path}: {self._link.excerpt(task.error) or task.state}")
        return answer, task

    async def _followed(self, what: str, task: Task, effect: Effect, limits: Limits) -> Task:
        """Ask for the task until it has ended; a question (`Effect.NONE`) that does not end has failed."""
        unseen = TaskFailed if effect is Effect.NONE else TaskGoesOn
        asking = limits.earlier(READ_BACK_SPARE)
        end = asking.wait(self._clock, TASK_WAIT)
        while not task.final:
            if self._clock.monotonic() >= end:
                raise unseen(f"{what}: task {task.number} is still {self._link.excerpt(task.state)}")
            await self._clock.sleep(ASK_EVERY)
            try:
                answer = await self.call("GET", f"/tasks/{task.number}", Effect.NONE, asking)
                task = task_in(answer, part_in(answer, "data"), number=task.number)
            except DeliveryError as error:
                raise unseen(f"{what}: taken; its end cannot be asked: {error}") from error
        try:
            tidy = {"task": "TaskCleanup"}
            await self.call("POST", f"/tasks/{task.number}", Effect.REPEATABLE, asking, params=tidy, json={})
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
        first, *others = self._token_paths
        try:
            return await self._post_credentials(first, password, limits)
        except Refused as error:
            if error.status not in NO_SUCH_PATH or not others:
                raise
        answer = await self._post_credentials(others[0], password, limits)
        self._token_paths = (*others, first)
        return answer

    async def _post_credentials(self, path: str, password: str, limits: Limits) -> HttpAnswer:
        if self._windows:
            grant = {"grant_type": "windows_credentials"}
        else:
            grant = {"grant_type": "password", "username": self._user, "password": password}
        return await self._link.request(
            "POST",
            path,
            effect=Effect.NONE,
            data={**grant, "client_id": CLIENT_ID},
            auth=NtlmLogIn(self._user, password) if self._windows else None,
            deadline=limits.deadline,
            urgent=limits.urgent,
        )


def _is_token(text: str) -> bool:
    """Whether it can stand in a header (RFC 6750 2.1 allows less)."""
    return bool(text) and all("!" <= char <= "~" for char in text)
