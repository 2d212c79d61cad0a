"""The blocking side of HTTP: at most a few daemon threads that send requests and read replies.

Called by `bridge.protocols.http` only; the sockets beneath are those of `http_exchange`.
"""

from __future__ import annotations

import http.client
import itertools
import os
import queue
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

import requests
import urllib3.exceptions
from requests.auth import AuthBase

from bridge.protocols.http_exchange import CutError, Exchange, serve

CHUNK: Final = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What to send, and within which bounds (seconds, bytes)."""

    method: str
    url: str
    headers: Mapping[str, str | bytes]
    params: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    connect_timeout: float
    read_timeout: float
    max_body: int
    auth: AuthBase | None = None
    """What logs in with the request, in the same exchange. Its repr must hold no secret."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whatever its status. Header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Failure:
    """No usable reply. `certificate` and `tls` say that the handshake was refused, and by what; `answered`
    that a reply came all the same, `refused` that `Call.auth` cannot log in there.

    A value and not an exception: the exceptions of requests carry the whole URL, and with it tokens.
    """

    reason: str
    certificate: bool = False
    tls: bool = False
    answered: bool = False
    refused: bool = False


class LogInRefused(requests.RequestException):
    """`Call.auth` cannot log in at this server. Its text, which is shown, says why."""


class LogInBroken(requests.ConnectionError):
    """The connection ended between the parts of a log-in that belong together."""


def perform(session: requests.Session, exchange: Exchange, call: Call) -> Reply | Failure:
    """Send `call` and read the reply. Blocks; ends early when the exchange is cut."""
    serve(exchange)
    try:
        request = requests.Request(
            call.method, call.url, call.headers, data=call.body, params=call.params, auth=call.auth
        )
        response = session.send(
            session.prepare_request(request),
            stream=True,
            timeout=(call.connect_timeout, call.read_timeout),
            allow_redirects=False,
        )
        with response:
            body = bytearray()
            for chunk in response.iter_content(CHUNK):
                body += chunk
                if len(body) > call.max_body:
                    return Failure(f"the answer is larger than {call.max_body} bytes", answered=True)
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Reply(response.status_code, headers, bytes(body))
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, CutError) as error:
        return _explain(error)
    finally:
        exchange.finish()


def _explain(error: BaseException) -> Failure:
    if isinstance(error, LogInRefused):
        return Failure(str(error), refused=True)
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Failure(f"its certificate is not accepted: {cause.verify_message}", certificate=True)
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return Failure(f"TLS failed: {cause.reason or 'connection closed'}", tls=True)
    return Failure(next((words for cause in causes if (words := _words(cause))), "the connection failed"))


def _causes(error: BaseException) -> Iterable[BaseException]:
    """Yield `error` and what lies behind it, as requests and urllib3 wrap it, outermost first."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        cause = waiting.pop(0)
        if isinstance(cause, BaseException) and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            waiting += [getattr(cause, "reason", None), *cause.args, cause.__cause__, cause.__context__]


_WORDS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (LogInBroken, "it closed the connection in the middle of the log-in"),
    (socket.gaierror, "its name cannot be resolved"),
    (urllib3.exceptions.ConnectTimeoutError, "no connection within the time allowed"),
    (urllib3.exceptions.ReadTimeoutError, "it sent nothing within the time allowed"),
    (urllib3.exceptions.IncompleteRead, "the answer ended early"),
    (http.client.IncompleteRead, "the answer ended early"),
    (http.client.RemoteDisconnected, "it closed the connection without an answer"),
    (http.client.HTTPException, "the answer is not HTTP"),
    (urllib3.exceptions.DecodeError, "the answer is not encoded as it says"),
)


def _words(cause: BaseException) -> str | None:
    """Say in words what `cause` means. Never `str(cause)`: it may hold the URL."""
    if isinstance(cause, urllib3.exceptions.NewConnectionError):
        return None  # says less than its cause, and counts as a ConnectTimeoutError
    for kind, words in _WORDS:
        if isinstance(cause, kind):
            return words
    if isinstance(cause, OSError) and cause.errno:
        return os.strerror(cause.errno).lower()
    return None


@dataclass(slots=True)
class _Job:
    exchange: Exchange
    call: Call
    outcome: Future[Reply | Failure]


class Workers:
    """At most `count` daemon threads with a session each; urgent requests go before waiting others.

    Daemon threads, because one that is stuck in the resolver must not hold up the end of the process.
    """

    def __init__(self, name: str, sessions: Callable[[], requests.Session], count: int = 2) -> None:
        self._name = name
        self._sessions = sessions
        self._count = count
        self._jobs: queue.PriorityQueue[tuple[int, int, _Job | None]] = queue.PriorityQueue()
        self._order = itertools.count()
        self._threads: list[threading.Thread] = []
        self._idle = threading.Semaphore(0)

    def submit(self, exchange: Exchange, call: Call, *, urgent: bool) -> Future[Reply | Failure]:
        """Queue `call`. Called from the event loop only."""
        job = _Job(exchange, call, Future())
        if not self._idle.acquire(blocking=False) and len(self._threads) < self._count:
            self._start_thread()
        self._jobs.put((0 if urgent else 1, next(self._order), job))
        return job.outcome

    def close(self) -> None:
        """Let every thread end after what it does now. Does not wait for it."""
        for _ in self._threads:
            self._jobs.put((2, next(self._order), None))

    def _start_thread(self) -> None:
        name = f"http-{self._name}-{len(self._threads) + 1}"
        thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _run(self) -> None:
        with self._sessions() as session:
            while (job := self._jobs.get()[2]) is not None:
                if job.outcome.set_running_or_notify_cancel():
                    self._do(job, session)
                else:
                    self._idle.release()

    def _do(self, job: _Job, session: requests.Session) -> None:
        try:
            outcome = perform(session, job.exchange, job.call)
        except BaseException as error:  # a defect: the caller must see it, the thread must live
            self._idle.release()
            job.outcome.set_exception(error)
        else:
            # Idle first: whoever waits for the outcome may submit the next request at once.
            self._idle.release()
            job.outcome.set_result(outcome)
