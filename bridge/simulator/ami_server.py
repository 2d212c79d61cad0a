"""A fake Asterisk's AMI on 127.0.0.1: answers as a real one, plays recordings, and misbehaves on demand.

    async with AmiServer() as pbx:
        pbx.port                                            # user `watch`, secret `watch-secret`
        pbx.emit("Newchannel", Uniqueid="1.0", ...)         # to everybody who is logged in with events on
        await pbx.play(Dialogue.shipped("sos-answered"), speed=5)
        pbx.freeze()                                        # hung: accepts, acknowledges, says nothing
        pbx.pong = False; pbx.chunk = 1; pbx.drop(); await pbx.restart()

What is behind it was measured on Asterisk 16.28 and 22.10. Used by tests and benches.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Self

from bridge.errors import ProtocolError
from bridge.protocols.ami import Message, Parser
from bridge.simulator.dialogue import Dialogue, on_the_wire

ALL_ACTIONS: Final = frozenset(
    (
        *(
            "Challenge",
            "Login",
            "Logoff",
            "Ping",
            "Events",
            "ListCommands",
            "CoreSettings",
            "CoreShowChannels",
        ),
        *("DeviceStateList", "Getvar", "Setvar", "Originate", "UserEvent"),
    )
)
WATCHER: Final = ALL_ACTIONS - {"Setvar", "Originate", "UserEvent"}
"""What an account with `write = reporting` may do."""
_BEFORE_LOGIN: Final = frozenset({"Challenge", "Login", "Logoff"})
_CHALLENGE: Final = "190871"

Pairs = Iterable[tuple[str, str]]


class AmiServer:
    """One PBX. Everything is an attribute, so that a test says in one line what goes wrong.

    actions: those the account may use. tls: a server context, for AMI over TLS.
    """

    def __init__(
        self,
        *,
        username: str = "watch",
        secret: str = "watch-secret",  # noqa: S107  of a simulated PBX
        actions: Iterable[str] = ALL_ACTIONS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.username = username
        self.secret = secret
        self.actions = frozenset(actions)
        self.others: dict[str, str] = {}
        """Further accounts: username -> secret. Each may what the first may."""
        self.port = 0
        self.banner = b"Asterisk Call Manager/11.0.0\r\n"
        self.pong = True
        """Whether a Ping is answered."""
        self.chunk = 0
        """Bytes of one write; 0: as they come. 1 splits every message at every byte."""
        self.echo_logins = False
        """Whether a login is reported as an event, as to accounts that read class `security`."""
        self.variables: dict[str, str] = {}
        """Global variables, for Getvar and Setvar."""
        self.devices: dict[str, str] = {}
        """Device -> state, for DeviceStateList."""
        self.channels: dict[str, dict[str, str]] = {}
        """Living channels by Uniqueid, as the emitted events leave them, for CoreShowChannels."""
        self.before_snapshot: Callable[[], None] = lambda: None
        """Called between a CoreShowChannels and its answer."""
        self.outcome: Callable[[Message], tuple[str, str]] = lambda _action: ("Success", "4")
        """Of an Originate: `Response` and `Reason` of its OriginateResponse."""
        self.received: list[Message] = []
        """Every action, logins included."""
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._clients: set[_Client] = set()
        self._frozen = False
        self._plays = 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen: on a free port, after a restart on the same one."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Client(self), "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and every connection."""
        self.drop()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def restart(self, downtime: float = 0.0) -> None:
        """Shut down with the last event Asterisk sends, all calls gone; be back after `downtime` seconds."""
        self.emit("Shutdown", Shutdown="Cleanly", Restart="True")
        for client in list(self._clients):
            client.close()
        await self.stop()
        self.channels.clear()
        await asyncio.sleep(downtime)
        self._frozen = False
        await self.start()

    def drop(self) -> None:
        """Cut every connection without a word."""
        for client in list(self._clients):
            client.cut()

    def freeze(self) -> None:
        """Hang: connections stay open, bytes are acknowledged by the kernel, nothing is answered."""
        self._frozen = True

    def thaw(self) -> None:
        """Go on, without what was said meanwhile."""
        self._frozen = False

    @property
    def logged_in(self) -> int:
        return sum(client.logged_in for client in self._clients)

    def emit(self, event: str, /, **headers: str) -> None:
        """Send an event to all who are logged in with events on."""
        self.emit_raw("\n".join([f"Event: {event}", *(f"{k}: {v}" for k, v in headers.items())]).encode())

    def emit_raw(self, message: bytes) -> None:
        """As `emit`, of a message whose lines end in LF, or of whatever else."""
        self._note(Message(message))
        self.send(on_the_wire(message))

    def send(self, data: bytes) -> None:
        """Send these very bytes to all who are logged in with events on."""
        for client in list(self._clients):
            if client.logged_in and client.events:
                client.write(data)

    async def play(self, dialogue: Dialogue, *, speed: float = 1.0) -> None:
        """Play a recording as if it happened now, `speed` times as fast."""
        begin = time.monotonic()
        self._plays += 1
        for at, message in dialogue.renewed(time.time(), run=self._plays):
            await asyncio.sleep(max(0.0, begin + at / speed - time.monotonic()))
            self.emit_raw(message)

    def _note(self, message: Message) -> None:
        """Keep the list of channels as the events say."""
        uniqueid, event = message.get("Uniqueid"), message.event
        if event == "Newchannel":
            self.channels[uniqueid] = dict(message.headers)
        elif event == "Hangup":
            self.channels.pop(uniqueid, None)
        elif (row := self.channels.get(uniqueid)) is not None and "ChannelState" in message:
            row |= {name: message.get(name) for name in ("ChannelState", "ChannelStateDesc", "Exten")}
            if event in ("BridgeEnter", "BridgeLeave"):
                row["BridgeId"] = message.get("BridgeUniqueid") if event == "BridgeEnter" else ""

    @property
    def frozen(self) -> bool:
        return self._frozen

    def joined(self, client: _Client) -> None:
        self._clients.add(client)

    def left(self, client: _Client) -> None:
        self._clients.discard(client)


class _Client(asyncio.Protocol):
    """One connection to the fake PBX."""

    def __init__(self, pbx: AmiServer) -> None:
        self.logged_in = False
        self.events = False
        self._pbx = pbx
        self._parser = Parser()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._pbx.joined(self)
        self.write(self._pbx.banner)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc  # gone is gone
        self.logged_in = False
        self._pbx.left(self)

    def data_received(self, data: bytes) -> None:
        if self._pbx.frozen:
            return
        for item in self._parser.feed(data):
            if not isinstance(item, ProtocolError):
                self._pbx.received.append(item)
                self._act(item)

    def write(self, data: bytes) -> None:
        if self._pbx.frozen or self._transport is None or self._transport.is_closing():
            return
        size = self._pbx.chunk or len(data)
        for start in range(0, len(data), size):
            self._transport.write(data[start : start + size])

    def cut(self) -> None:
        """End without a word, unsent bytes included."""
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """End once everything is sent."""
        if self._transport is not None:
            self._transport.close()

    # --- actions ------------------------------------------------------------------------------------

    def _act(self, action: Message) -> None:
        name = action.get("Action")
        if name not in ALL_ACTIONS:
            self._refuse(action, "Invalid/unknown command")
        elif name not in (self._pbx.actions if self.logged_in else _BEFORE_LOGIN):
            self._refuse(action, "Permission denied")
        else:
            getattr(self, f"_{name.lower()}")(action)

    def _say(self, first: str, action: Message, headers: Mapping[str, str] | Pairs = ()) -> None:
        pairs = [*(headers.items() if isinstance(headers, Mapping) else headers)]
        if action.action_id or "ActionID" in action:
            pairs.insert(0, ("ActionID", action.get("ActionID")))
        lines = [first, *(f"{name}: {value}" for name, value in pairs)]
        self.write(on_the_wire("\n".join(lines).encode()))

    def _succeed(self, action: Message, headers: Mapping[str, str] | Pairs = ()) -> None:
        self._say("Response: Success", action, headers)

    def _refuse(self, action: Message, why: str) -> None:
        self._say("Response: Error", action, {"Message": why})

    def _list(self, action: Message, event: str, rows: Iterable[Mapping[str, str]], end: str) -> None:
        rows = list(rows)
        self._succeed(action, {"EventList": "start", "Message": "will follow"})
        for row in rows:
            self._say(f"Event: {event}", action, row)
        self._say(f"Event: {end}", action, {"EventList": "Complete", "ListItems": str(len(rows))})

    def _challenge(self, action: Message) -> None:
        self._succeed(action, {"Challenge": _CHALLENGE})

    def _login(self, action: Message) -> None:
        accounts = self._pbx.others | {self._pbx.username: self._pbx.secret}
        secret = accounts.get(action.get("Username"))
        key = hashlib.md5(f"{_CHALLENGE}{secret}".encode(), usedforsecurity=False).hexdigest()
        if secret is None or (action.get("Key") != key and action.get("Secret") != secret):
            self._refuse(action, "Authentication failed")
            asyncio.get_running_loop().call_later(1.0, self.cut)  # as Asterisk does
            return
        self.logged_in = True
        self.events = action.get("Events", "on") != "off"
        self._succeed(action, {"Message": "Authentication accepted"})
        if self._pbx.echo_logins:
            self._pbx.emit(
                "SuccessfulAuth", Timestamp=f"{time.time():.6f}", Service="AMI", AccountID=self._pbx.username
            )
        if self.events:
            self._say("Event: FullyBooted", Message(b""), {"Status": "Fully Booted"})

    def _logoff(self, action: Message) -> None:
        self._say("Response: Goodbye", action, {"Message": "Thanks for all the fish."})
        self.close()

    def _ping(self, action: Message) -> None:
        if self._pbx.pong:
            self._succeed(action, {"Ping": "Pong", "Timestamp": f"{time.time():.6f}"})

    def _events(self, action: Message) -> None:
        self.events = action.get("EventMask") != "off"
        self._succeed(action, {"Events": "On" if self.events else "Off"})

    def _listcommands(self, action: Message) -> None:
        self._succeed(action, {name: f"{name} (Priv: <none>)" for name in sorted(self._pbx.actions)})

    def _coresettings(self, action: Message) -> None:
        self._succeed(action, {"AMIversion": "11.0.0", "AsteriskVersion": "simulated"})

    def _coreshowchannels(self, action: Message) -> None:
        self._pbx.before_snapshot()
        rows = [
            {name: value for name, value in row.items() if name not in ("Event", "Privilege", "Timestamp")}
            for row in self._pbx.channels.values()
        ]
        self._list(action, "CoreShowChannel", rows, "CoreShowChannelsComplete")

    def _devicestatelist(self, action: Message) -> None:
        rows = [{"Device": device, "State": state} for device, state in self._pbx.devices.items()]
        self._list(action, "DeviceStateChange", rows, "DeviceStateListComplete")

    def _getvar(self, action: Message) -> None:
        name = action.get("Variable")
        self._succeed(action, {"Variable": name, "Value": self._pbx.variables.get(name, "")})

    def _setvar(self, action: Message) -> None:
        self._pbx.variables[action.get("Variable")] = action.get("Value")
        self._succeed(action, {"Message": "Variable Set"})

    def _userevent(self, action: Message) -> None:
        self._succeed(action, {"Message": "Event Sent"})
        own = [(name, value) for name, value in action.headers if name.lower() not in ("action", "actionid")]
        self._pbx.emit_raw("\n".join(["Event: UserEvent", *(f"{n}: {v}" for n, v in own)]).encode())

    def _originate(self, action: Message) -> None:
        self._succeed(action, {"Message": "Originate successfully queued"})
        response, reason = self._pbx.outcome(action)
        headers = {"Response": response, "Channel": action.get("Channel"), "Reason": reason}
        self._say("Event: OriginateResponse", action, {**headers, "Uniqueid": action.get("ChannelId")})
