"""The Python peers as user agents that answer every call at once: aiosipua (0.7.1) and sippy (2.5.0).

They live in a virtual environment of their own in the cache folder, made at the first run; this very file is
then run with its Python.

    python sip_peers.py aiosipua|sippy PORT        # prints `ready` and runs until it is ended
    python sip_peers.py sippy-b2bua NEXT PORT      # sippy's example of a B2BUA; all calls go on to port NEXT

sippy has one worker: with its three it puts messages in the wrong order, which sipp takes for failed calls.
Neither writes a log.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any, Final

VERSIONS: Final = {"aiosipua": "0.7.1", "sippy": "2.5.0"}
LOOPBACK: Final = "127.0.0.1"
MEDIA_PORT: Final = 40_000
ANSWER: Final = (
    f"v=0\r\no=- 1 1 IN IP4 {LOOPBACK}\r\ns=-\r\nc=IN IP4 {LOOPBACK}\r\nt=0 0\r\n"
    f"m=audio {MEDIA_PORT} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
)


class PeerError(Exception):
    """The peer cannot run here; the text says why."""


def environment() -> Path:
    """Return the Python of the peers' virtual environment; make it where it is missing. Raises PeerError."""
    # Not at the top: this file runs in the peers' environment, too.
    from tests.parts.trees import cache_folder  # noqa: PLC0415

    wanted = [f"{name}=={version}" for name, version in VERSIONS.items()]
    folder = cache_folder() / "-".join(("sip-peers", *VERSIONS.values()))
    python = folder / "bin" / "python"
    complete = folder / ".complete"
    if not complete.exists():
        venv.create(folder, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PeerError(f"{' and '.join(wanted)} cannot be installed: {done.stderr.strip()[-200:]}")
        complete.touch()
    return python


async def _aiosipua(port: int) -> None:
    import logging  # noqa: PLC0415  the peers' environment only

    from aiosipua import SipUAS, UdpSipTransport, negotiate_sdp  # type: ignore[import-not-found]  # noqa: PLC0415

    logging.disable(logging.CRITICAL)
    uas = SipUAS(UdpSipTransport(local_addr=(LOOPBACK, port)))

    def answer(call: Any) -> None:
        call.accept(negotiate_sdp(call.sdp_offer, LOOPBACK, MEDIA_PORT, supported_codecs=[8])[0])

    uas.on_invite = answer
    await uas.start()
    print("ready", flush=True)
    await asyncio.Event().wait()


class _NoLog:
    def write(self, *_: object, **__: object) -> None:
        """Nothing: it would only make it slower."""


def _sippy(port: int) -> None:
    from sippy import Udp_server  # type: ignore[import-not-found]  # noqa: PLC0415
    from sippy.CCEvents import CCEventConnect, CCEventTry  # type: ignore[import-not-found]  # noqa: PLC0415
    from sippy.Core.EventDispatcher import ED2  # type: ignore[import-not-found]  # noqa: PLC0415
    from sippy.MsgBody import MsgBody  # type: ignore[import-not-found]  # noqa: PLC0415
    from sippy.SipTransactionManager import (  # type: ignore[import-not-found]  # noqa: PLC0415
        SipTransactionManager,
    )
    from sippy.UA import UA  # type: ignore[import-not-found]  # noqa: PLC0415

    Udp_server.Udp_server_opts.nworkers = 1
    config: dict[str, Any] = {"_sip_address": LOOPBACK, "_sip_port": port, "_sip_logger": _NoLog()}

    def event(what: Any, ua: Any) -> None:
        if isinstance(what, CCEventTry):
            ua.recvEvent(CCEventConnect((200, "OK", MsgBody(ANSWER))))

    def request(came: Any, transaction: Any) -> Any:
        if came.getHFBody("to").getTag() is not None or came.getMethod() != "INVITE":
            return came.genResponse(481, "Call Leg/Transaction Does Not Exist"), None, None
        return UA(config, event_cb=event).recvRequest(came, transaction)

    config["_sip_tm"] = SipTransactionManager(config, request)
    print("ready", flush=True)
    ED2.loop()


def _sippy_b2bua(following: int, port: int) -> None:
    from sippy import Udp_server  # noqa: PLC0415  the peers' environment only
    from sippy.b2bua_simple import CallMap  # type: ignore[import-not-found]  # noqa: PLC0415
    from sippy.Core.EventDispatcher import ED2  # noqa: PLC0415
    from sippy.SipConf import SipConf  # type: ignore[import-not-found]  # noqa: PLC0415
    from sippy.SipTransactionManager import SipTransactionManager  # noqa: PLC0415

    Udp_server.Udp_server_opts.nworkers = 1
    SipConf.allow_formats = (0, 8, 18, 100, 101)  # as the example's own `main_func`
    config: dict[str, Any] = {"_sip_address": LOOPBACK, "_sip_port": port, "_sip_logger": _NoLog()}
    config["nh_addr"] = (LOOPBACK, following)
    config["_sip_tm"] = SipTransactionManager(config, CallMap(config).recvRequest)
    print("ready", flush=True)
    ED2.loop()


if __name__ == "__main__":
    if sys.argv[1] == "aiosipua":
        asyncio.run(_aiosipua(int(sys.argv[2])))
    elif sys.argv[1] == "sippy-b2bua":
        _sippy_b2bua(int(sys.argv[2]), int(sys.argv[3]))
    else:
        _sippy(int(sys.argv[2]))
