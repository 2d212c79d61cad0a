"""A call that stands as plain values, to be stored, and made of them again after a restart.

Whoever restores a call can talk in its dialog as before: answer a re-INVITE, hold, hang up. What was under
way when the snapshot was made (an offer, an ACK) is taken for done. Called by `agent`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bridge.errors import ProtocolError
from bridge.protocols.sip.agent.media import Media
from bridge.protocols.sip.agent.switchboard import Call
from bridge.protocols.sip.dialog.dialog import Dialog
from bridge.protocols.sip.dialog.session_state import Session, State
from bridge.protocols.sip.dialog.session_timer import Refresher, SessionTimer
from bridge.protocols.sip.flow import Flow
from bridge.protocols.sip.headers.address import Address
from bridge.protocols.sip.headers.call_id import CallId
from bridge.protocols.sip.sdp import PCMA, PCMU, Description, Direction, Local, make_answer
from bridge.protocols.sip.transaction.timers import Times
from bridge.protocols.sip.uri import parse_uri

VERSION: Final = 1
_CODECS: Final = {codec.name: codec for codec in (PCMU, PCMA)}

Snapshot = Mapping[str, Any]
"""Text, numbers, truth values, None, lists and mappings of them: what JSON can hold. No secrets."""


def snapshot(call: Call) -> Snapshot:
    """Raises ProtocolError unless the call stands."""
    if call.session is None or call.media is None or call.session.state is State.ENDED:
        raise ProtocolError(f"call {call.id} has no dialog to be kept")
    session = call.session
    return {
        "version": VERSION,
        "call": call.id,
        "flow": [call.flow.transport, *call.flow.local, *call.flow.remote],
        "symmetric": call.symmetric,
        "updates": call.updates,
        "owns_call_id": session.owns_call_id,
        "dialog": _dialog(session.dialog),
        "timer": None if session.timer is None else [session.timer.interval, str(session.timer.refresher)],
        "media": _media(call.media),
    }


def _dialog(dialog: Dialog) -> Snapshot:
    return {
        "call_id": str(dialog.call_id),
        "local": str(dialog.local),
        "remote": str(dialog.remote),
        "target": str(dialog.target),
        "routes": [str(route) for route in dialog.routes],
        "contact": str(dialog.contact),
        "local_number": dialog.local_number,
        "remote_number": dialog.remote_number,
    }


def _media(media: Media) -> Snapshot:
    local = media.local
    return {
        "address": local.address,
        "port": local.port,
        "session_id": local.session_id,
        "session_version": local.version,
        "codecs": [codec.name for codec in local.codecs],
        "direction": str(local.direction),
        "sent": None if media.sent is None else str(media.sent),
        "received": None if media.received is None else str(media.received),
        "offered": media.offered,
    }


def restore(kept: Snapshot, times: Times) -> Call:
    """Return the call that was kept, on a flow that is still to be opened. Raises ProtocolError."""
    try:
        return _restore(kept, times)
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError(f"no call can be made of what was kept: {error!r}") from error


def _restore(kept: Snapshot, times: Times) -> Call:
    if kept["version"] != VERSION:
        raise ProtocolError(f"a call kept by version {kept['version']}, this is {VERSION}")
    transport, host, port, remote_host, remote_port = kept["flow"]
    dialog = _restored_dialog(kept["dialog"])
    timer = kept["timer"]
    return Call(
        id=kept["call"],
        key=(str(dialog.call_id), dialog.local.tag),
        flow=Flow(transport, (host, port), (remote_host, remote_port)),
        symmetric=kept["symmetric"],
        updates=kept["updates"],
        session=Session(
            dialog,
            times,
            owns_call_id=kept["owns_call_id"],
            timer=None if timer is None else SessionTimer(timer[0], Refresher(timer[1])),
        ),
        media=_restored_media(kept["media"]),
        confirmed=True,
    )


def _restored_dialog(kept: Snapshot) -> Dialog:
    return Dialog(
        call_id=CallId.parse(kept["call_id"]),
        local=Address.parse(kept["local"]),
        remote=Address.parse(kept["remote"]),
        target=parse_uri(kept["target"]),
        routes=tuple(map(Address.parse, kept["routes"])),
        contact=Address.parse(kept["contact"]),
        local_number=kept["local_number"],
        remote_number=kept["remote_number"],
        confirmed=True,
    )


def _restored_media(kept: Snapshot) -> Media:
    local = Local(
        kept["address"],
        kept["port"],
        kept["session_id"],
        kept["session_version"],
        tuple(_CODECS[name] for name in kept["codecs"]),
        Direction(kept["direction"]),
    )
    media = Media(local, _description(kept["sent"]), _description(kept["received"]), offered=kept["offered"])
    if media.received is None:
        return media
    if media.offered:
        return media.answered(media.received)
    stream = make_answer(media.received, local)[1]
    return Media(local, media.sent, media.received, stream)


def _description(text: str | None) -> Description | None:
    return None if text is None else Description.parse(text.encode())
