"""All legs, and the commands of the parent (`media/wire.py`; their meaning is in `media/facade.py`)."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from bridge.errors import ProtocolError, SosBridgeError
from bridge.protocols.media import wire
from bridge.protocols.media.child.files import Files
from bridge.protocols.media.child.leg import Leg
from bridge.protocols.media.child.loop import Loop
from bridge.protocols.media.child.prompts import Prompts
from bridge.protocols.media.child.recorder import Recorder
from bridge.protocols.media.child.sockets import Ports
from bridge.protocols.media.facade import Layout, Remote
from bridge.protocols.media.g711 import Law
from bridge.protocols.media.settings import ChildSettings

Message = dict[str, Any]
Reply = Callable[[Any], None]
"""Is given the result, or the exception whose text is the answer."""

_LONGEST_NAME: Final = 64
_MOST_FILES: Final = 100


class Switchboard:
    """Every command has a method `_do_<name>(message, reply)` that calls `reply` once, now or later."""

    def __init__(self, loop: Loop, settings: ChildSettings, tell: Callable[[Message], None]) -> None:
        self._loop, self._settings, self._tell = loop, settings, tell
        self._ports = Ports(settings.first_port, settings.last_port, settings.dscp)
        self._prompts = Prompts(Files(loop, "prompts"))
        self._recordings = Files(loop, "recordings")
        self._legs: dict[str, Leg] = {}
        self._prompt = 0
        self._quiet_since = loop.now

    # --- time --------------------------------------------------------------------------------------

    def tick(self, frames: int) -> None:
        """Every 20 ms, while there is a leg that needs it."""
        busy = False
        for leg in self._legs.values():
            if leg.busy:
                leg.tick(frames)
                busy = True
        if not busy:
            self._loop.pacer.stop()

    def check(self) -> None:
        """A few times a second."""
        for leg in self._legs.values():
            leg.check(self._settings.silence_after)
        heard = [leg.ingress.heard_at for leg in self._legs.values()]
        self._quiet_since = max([self._quiet_since, *filter(None, heard)])

    @property
    def quiet_for(self) -> float:
        """Seconds since any leg was heard; without a leg, for ever."""
        return self._loop.now - self._quiet_since if self._legs else math.inf

    def close(self) -> None:
        """Close every leg and bring the recordings to the disk."""
        for name in tuple(self._legs):
            self._close(name)
        self._recordings.finish(timeout=3.0)

    # --- commands ----------------------------------------------------------------------------------

    def take(self, line: bytes) -> None:
        """Perform one command. Whatever is wrong with it ends in an answer."""
        number: Any = None

        def reply(result: Any) -> None:
            if isinstance(result, BaseException):
                self._tell({"id": number, "error": _words(result)})
            else:
                self._tell({"id": number, "result": result})

        try:
            message = wire.decode(line)
            number = message.get("id")
            command = getattr(self, f"_do_{message.get('do')}", None)
            if command is None:
                raise ProtocolError(f"media: no such command: {str(message.get('do'))[:40]!r}")  # one way out
            command(message, reply)
        except (SosBridgeError, OSError, KeyError, TypeError, ValueError) as error:
            reply(error)
        self._start_pacer()

    def _do_ping(self, _: Message, reply: Reply) -> None:
        reply({"legs": len(self._legs)})

    def _do_quit(self, _: Message, reply: Reply) -> None:
        reply(None)
        self._loop.stop()

    def _do_open(self, message: Message, reply: Reply) -> None:
        name = message["leg"]
        if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
            raise ProtocolError(f"media: a leg's name is 1 to {_LONGEST_NAME} printable characters")
        if name in self._legs:
            raise ProtocolError(f"media: leg {name} is open already")
        leg = Leg(name, self._loop, self._ports, message["address"] or self._settings.address, self._tell)
        self._legs[name] = leg
        address, port = leg.local[:2]
        reply({"address": address, "rtp_port": port, "rtcp_port": port + 1})

    def _do_set_remote(self, message: Message, reply: Reply) -> None:
        remote = Remote(**message["remote"] | {"law": Law(message["remote"]["law"])})
        self._leg(message).set_remote(remote)
        reply(None)

    def _do_play(self, message: Message, reply: Reply) -> None:
        leg, names = self._leg(message), message["files"]
        if not names or len(names) > _MOST_FILES:
            raise ProtocolError(f"media: play 1 to {_MOST_FILES} files")
        if leg.remote is None:
            raise ProtocolError(f"media: leg {leg.name} has no party yet")
        self._prompt += 1
        prompt, law, loop = self._prompt, leg.remote.law, bool(message["loop"])
        leg.awaits = prompt

        def loaded(result: list[bytes] | Exception) -> None:
            if isinstance(result, list) and leg.awaits == prompt:
                leg.play(prompt, law, result, loop=loop)
                self._start_pacer()
            reply(result if isinstance(result, Exception) else {"prompt": prompt})

        self._prompts.load(names, law, loaded)

    def _do_stop_playing(self, message: Message, reply: Reply) -> None:
        self._leg(message).stop_playing()
        reply(None)

    def _do_send_digits(self, message: Message, reply: Reply) -> None:
        self._leg(message).press(message["digits"])
        reply(None)

    def _do_join(self, message: Message, reply: Reply) -> None:
        one, other = self._leg(message), self._leg({"leg": message["other"]})
        if one is other:
            raise ProtocolError("media: a leg is not joined with itself")
        one.join(other)
        reply(None)

    def _do_leave(self, message: Message, reply: Reply) -> None:
        self._leg(message).leave()
        reply(None)

    def _do_start_recording(self, message: Message, reply: Reply) -> None:
        leg = self._leg(message)
        if leg.recorder is not None:
            raise ProtocolError(f"media: leg {leg.name} is being recorded already")
        fault = {"event": "recording_failed", "leg": leg.name}
        recorder = Recorder(
            self._recordings,
            Path(message["file"]),
            Layout(message["layout"]),
            lambda why: self._tell({**fault, "why": why}),
        )
        leg.record(recorder)

        def made(result: Any) -> None:
            if isinstance(result, Exception) and leg.recorder is recorder:
                leg.record(None)
            reply(result)

        recorder.start(made)

    def _do_stop_recording(self, message: Message, reply: Reply) -> None:
        leg = self._leg(message)
        recorder = leg.recorder
        if recorder is None:
            raise ProtocolError(f"media: leg {leg.name} is not being recorded")
        leg.record(None)

        def written(result: Any) -> None:
            seconds = {"seconds": result, "dropped": recorder.dropped}
            reply(result if isinstance(result, Exception) else {"file": str(recorder.file), **seconds})

        recorder.finish(written)

    def _do_statistics(self, message: Message, reply: Reply) -> None:
        reply(self._leg(message).statistics())

    def _do_close(self, message: Message, reply: Reply) -> None:
        self._close(message["leg"])
        reply(None)

    def _close(self, name: str) -> None:
        leg = self._legs.pop(name, None)
        if leg is None:
            return
        if leg.recorder is not None:
            leg.recorder.finish(lambda _: None)
        leg.close()

    def _leg(self, message: Message) -> Leg:
        try:
            return self._legs[message["leg"]]
        except KeyError:
            raise ProtocolError(
                f"media: no leg {str(message.get('leg'))[:_LONGEST_NAME]!r} is open"
            ) from None

    def _start_pacer(self) -> None:
        """Whoever began to say something is heard at once; `tick` stops the pacer when nobody does."""
        if self._loop.pacer.due is None and any(leg.busy for leg in self._legs.values()):
            self._loop.pacer.start(self._loop.now)


def _words(error: BaseException) -> str:
    if isinstance(error, SosBridgeError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename else (error.strerror or str(error))
    return f"media: a command that is wrong: {type(error).__name__} {error}"
