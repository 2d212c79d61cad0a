"""The way through a Milestone API Gateway: its token, paging, and tasks that go on. Knows no single call.

Called by `bridge.protocols.milestone` (the REST calls). Source: "MIP VMS RESTful Config API" at
doc.developer.milestonesys.com/mipvmsapi/api/config-rest/v1/, chapters "Filters and pagination" and "Tasks".
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Container, Mapping
from typing import Any, Final

from bridge.errors import DeliveryError, Retryable, Uncertain
from bridge.model import NOTHING, Clock
from bridge.protocols.http import SUCCESS, Effect, HttpAnswer, HttpLink, Refused
from bridge.protocols.http_limits import NO_LIMITS, Limits
from bridge.protocols.milestone_account import MilestoneAccount
from bridge.protocols.milestone_values import Task, object_in, part_in, rows_in, task_in
from bridge.protocols.secret import Secret

REST: Final = "/api/rest/v1"
PAGE: Final = 100
"""Rows of one page."""
MOST_PAGES: Final = 1000
TASK_WAIT: Final = 10.0
"""Seconds until a task that goes on is given up."""
READ_BACK_SPARE: Final = 0.5
"""Seconds before a deadline at which asking what became of something ends, so that it can be told."""
ASK_EVERY: Final = 0.5


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
        self._clock = clock
        self.account = MilestoneAccount(link, user=user, password=password, clock=clock, windows=windows)

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

        async def send(token: str) -> HttpAnswer:
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

        return await self.account.tokens.use(send, limits)

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
