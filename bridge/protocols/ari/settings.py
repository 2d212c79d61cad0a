"""How a site describes one user's way to an Asterisk's ARI. The base of `type: ari` and of `dispatch.ari`."""

from __future__ import annotations

import base64
import re
import socket
from typing import Final

from pydantic import ConfigDict, Field

from bridge.protocols.http_settings import MEGABYTE, HttpSettings
from bridge.protocols.secret import Secret

_NOT_IN_APP: Final = re.compile(r"[^A-Za-z0-9_-]+")


class AriSettings(HttpSettings):
    """`base_url` is Asterisk's HTTP server (http.conf), with its `prefix` if it has one, without `/ari`."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    username: str = Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")
    """A section of ari.conf with `type = user`."""
    secret: Secret
    """Its password. Read anew for each connection and each request."""
    app: str = Field(default="", pattern=r"^[A-Za-z0-9_-]{0,64}$")
    """Begins the name of the application under which the PBX tells events; the link's own name and a digit
    end it. Empty: `sosbridge-<host>`. Two connections of one name drive each other out."""
    ping_interval: float = Field(default=3.0, ge=0.05, le=5)
    """Seconds between two proofs of life."""
    ping_timeout: float = Field(default=3.0, ge=0.05, le=5)
    """Seconds of silence after a ping until the link counts as down."""
    max_body: int = Field(default=16 * MEGABYTE, ge=1024, le=64 * MEGABYTE)
    """Bytes of an answer that are read before it counts as unusable. A list takes about 700 a channel."""

    @property
    def address(self) -> str:
        return self.base_url.partition("://")[2]

    def app_name(self, link: str) -> str:
        """Return what the application's name begins with. link: the link's own name (`pbx1`)."""
        return _NOT_IN_APP.sub("-", f"{self.app or f'sosbridge-{socket.gethostname()[:40]}'}-{link}")

    def authorization(self) -> str:
        """Return the Authorization field (RFC 7617), made now. Raises ConfigError as `Secret.reveal`.

        ARI also takes `api_key` in the query; that would stand in every proxy's log.
        """
        pair = f"{self.username}:{self.secret.reveal()}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"
