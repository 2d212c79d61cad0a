"""Asterisk REST Interface (ARI): events on a WebSocket, questions and commands by HTTP.

* `settings`: where, as whom, under which application name;
* `events`: JSON text -> `Message`; pure, for the live link and for recordings;
* `session`: one WebSocket from its handshake to its end; `protocols.link.KeptLink` keeps one up;
* `rest`: the requests with an answer.

Who reads (triggers/ari) needs a read-only user; who starts calls (drivers/dispatch) cannot have less than
all rights, because ARI knows only these two kinds of users. Nothing here puts a call into Stasis.
"""

from bridge.protocols.ari.events import Message, parse
from bridge.protocols.ari.rest import Rest
from bridge.protocols.ari.session import LoginRefused, Session, connect
from bridge.protocols.ari.settings import AriSettings

__all__ = ["AriSettings", "LoginRefused", "Message", "Rest", "Session", "connect", "parse"]
