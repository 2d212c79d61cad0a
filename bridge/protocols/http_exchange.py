"""Sockets that can be cut from outside, and the `requests` session that makes them.

Called by `bridge.protocols.http_wire`. A request is an `Exchange`; the event loop may `cut` it at any
moment, which shuts its socket down wherever the thread stands: connecting, in the TLS handshake, sending
or reading. That is what makes a total deadline hold, since the time-outs of requests are per read.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import ssl
import threading
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final

import requests
import requests.adapters
import urllib3
import urllib3.connection

IDLE_LIMIT: Final = 2.0
"""Seconds after which a kept connection is not used again: a firewall may have forgotten it silently, and
common servers close theirs after 5 s, just when our request would be under way."""

# Its debug lines hold the query string, and so a token.
logging.getLogger("urllib3.connectionpool").addFilter(lambda record: record.levelno > logging.DEBUG)


class CutError(Exception):
    """The event loop gave the exchange up before anything was sent."""


class Exchange:
    """One request on its way, shared by the event loop and the thread that performs it.

    started: monotonic seconds when it began.
    """

    def __init__(self, started: float) -> None:
        self.started = started
        self.begun = False
        """Whether a thread has taken it up."""
        self._lock = threading.Lock()
        self._lifeline: socket.socket | None = None
        self._cut = False
        self._sent = False

    @property
    def sent(self) -> bool:
        """Whether a byte of the request may have left."""
        return self._sent

    def attach(self, sock: socket.socket) -> None:
        """Remember the connection. Raises CutError if the exchange was given up meanwhile.

        A second descriptor is kept, because the TLS layer takes the first one out of its socket object.
        """
        with self._lock:
            self._refuse_if_cut()
            self._drop_lifeline()
            self._lifeline = socket.socket(fileno=os.dup(sock.fileno()))

    def depart(self) -> None:
        """Say that bytes leave now. Raises CutError, and then none may leave."""
        with self._lock:
            self._refuse_if_cut()
            self._sent = True

    def cut(self) -> bool:
        """Give up: shut the socket down. Returns whether bytes may have left; none will after this."""
        with self._lock:
            self._cut = True
            if self._lifeline is not None:
                with contextlib.suppress(OSError):  # the other side was faster
                    self._lifeline.shutdown(socket.SHUT_RDWR)
            return self._sent

    def finish(self) -> None:
        with self._lock:
            self._drop_lifeline()

    def _refuse_if_cut(self) -> None:
        if self._cut:
            raise CutError

    def _drop_lifeline(self) -> None:
        if self._lifeline is not None:
            self._lifeline.close()
            self._lifeline = None


class _Current(threading.local):
    exchange: Exchange


_current = _Current()
"""The exchange that the running thread performs: urllib3 gives its connections no way to be told."""


class _Cuttable(urllib3.connection.HTTPConnection):
    """A connection that reports its socket, and the moment bytes leave, to the exchange it serves."""

    _used_at = 0.0

    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        try:
            _current.exchange.attach(sock)
        except BaseException:
            sock.close()
            raise
        return sock

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:  # a kept connection
            _current.exchange.attach(self.sock)
        super().request(*args, **kwargs)

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        _current.exchange.depart()
        self._used_at = _current.exchange.started
        super().send(data)

    @property
    def is_connected(self) -> bool:
        return _current.exchange.started - self._used_at <= IDLE_LIMIT and super().is_connected


class _CuttableTls(_Cuttable, urllib3.connection.HTTPSConnection):
    pass


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Cuttable


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _CuttableTls

    def _validate_conn(self, conn: Any) -> None:
        # Without the base class's warning about an unverified server: `check` shows that opt-out instead.
        if conn.is_closed:
            conn.connect()


class _Adapter(requests.adapters.HTTPAdapter):
    """Connections of ours, and a TLS context that alone says whom to believe."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **_: Any) -> None:
        self.poolmanager = urllib3.PoolManager(num_pools=connections, maxsize=maxsize, block=block)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        if self._context is None:
            return host, {}
        return host, {"ssl_context": self._context, "cert_reqs": self._context.verify_mode}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Do nothing: the base class would add certifi's authorities to a private one."""


def open_session(context: ssl.SSLContext | None) -> requests.Session:
    """A session that ignores the environment (proxies, .netrc) and keeps no cookies.

    context: whom to believe; None for a server without TLS.
    """
    session = requests.Session()
    session.trust_env = False
    session.headers = requests.structures.CaseInsensitiveDict({"Accept-Encoding": "identity"})
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    session.adapters.clear()
    session.mount("https://" if context else "http://", _Adapter(context))
    return session


def serve(exchange: Exchange) -> None:
    """Say which exchange the running thread performs from now on."""
    exchange.begun = True
    _current.exchange = exchange
