"""sippy as a user agent that answers every call at once, or as a B2BUA; `bench.sip_*` run it.

    python with_sippy.py PORT          # prints `ready` and runs until it is ended
    python with_sippy.py NEXT PORT     # sippy's example of a B2BUA; all calls go on to port NEXT

It has one worker: with its three it puts messages in the wrong order, which sipp takes for failed calls. It
writes no log.
"""

from __future__ import annotations

import sys
from typing import Any, Final

# The peer's environment has it.
from sippy import Udp_server  # type: ignore[import-not-found]  # as above
from sippy.b2bua_simple import CallMap  # type: ignore[import-not-found]  # as above
from sippy.CCEvents import CCEventConnect, CCEventTry  # type: ignore[import-not-found]  # as above
from sippy.Core.EventDispatcher import ED2  # type: ignore[import-not-found]  # as above
from sippy.MsgBody import MsgBody  # type: ignore[import-not-found]  # as above
from sippy.SipConf import SipConf  # type: ignore[import-not-found]  # as above
from sippy.SipTransactionManager import (  # type: ignore[import-not-found]  # as above
    SipTransactionManager,
)
from sippy.UA import UA  # type: ignore[import-not-found]  # as above

LOOPBACK: Final = "127.0.0.1"
MEDIA_PORT: Final = 40_000
ANSWER: Final = (
    f"v=0\r\no=- 1 1 IN IP4 {LOOPBACK}\r\ns=-\r\nc=IN IP4 {LOOPBACK}\r\nt=0 0\r\n"
    f"m=audio {MEDIA_PORT} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
)


class _NoLog:
    def write(self, *_: object, **__: object) -> None:
        """Nothing: it would only make it slower."""


def _answer_calls(config: dict[str, Any]) -> None:
    def event(what: Any, ua: Any) -> None:
        if isinstance(what, CCEventTry):
            ua.recvEvent(CCEventConnect((200, "OK", MsgBody(ANSWER))))

    def request(came: Any, transaction: Any) -> Any:
        if came.getHFBody("to").getTag() is not None or came.getMethod() != "INVITE":
            return came.genResponse(481, "Call Leg/Transaction Does Not Exist"), None, None
        return UA(config, event_cb=event).recvRequest(came, transaction)

    config["_sip_tm"] = SipTransactionManager(config, request)


def _join_calls(config: dict[str, Any], following: int) -> None:
    SipConf.allow_formats = (0, 8, 18, 100, 101)  # as the example's own `main_func`
    config["nh_addr"] = (LOOPBACK, following)
    config["_sip_tm"] = SipTransactionManager(config, CallMap(config).recvRequest)


if __name__ == "__main__":
    *before, own = map(int, sys.argv[1:])
    Udp_server.Udp_server_opts.nworkers = 1
    settings: dict[str, Any] = {"_sip_address": LOOPBACK, "_sip_port": own, "_sip_logger": _NoLog()}
    if before:
        _join_calls(settings, before[0])
    else:
        _answer_calls(settings)
    print("ready", flush=True)
    ED2.loop()
