"""Who may ask the fake camera: both kinds of digest, reckoned without the product's own code."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import urlencode
from xml.etree.ElementTree import Element

from bridge.simulator.vms.onvif_camera_plant import Habits
from bridge.simulator.vms.server import Request

REALM: Final = "camera"
_HASHES: Final = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


class Access:
    """One user with a password, and what was seen of both."""

    def __init__(self, user: str, password: str, habits: Habits) -> None:
        self.user = user
        self.password = password
        self.habits = habits
        self._seen: set[str] = set()
        """Nonces of WS-Security: a second use is a replay."""
        self._nonces: dict[str, int] = {}
        """Nonces that we challenged with -> the highest count seen."""

    def forget_nonces(self) -> None:
        """As after a restart: every HTTP Digest nonce is unknown."""
        self._nonces.clear()

    def challenge(self) -> Mapping[str, str]:
        """The header of a 401, with a new nonce for each algorithm."""
        values = []
        for algorithm in self.habits.algorithms:
            nonce = secrets.token_hex(12)
            self._nonces[nonce] = 0
            values.append(f'Digest realm="{REALM}", qop="auth", nonce="{nonce}", algorithm={algorithm}')
        return {"WWW-Authenticate": ", ".join([*values, f'Basic realm="{REALM}"'])}

    def allows(self, request: Request, root: Element, now: float) -> bool:
        """request: with the path as it was sent."""
        match self.habits.authentication:
            case "none":
                return True
            case "digest":
                return self._digest(request)
        return self._username_token(root, now)

    def allows_download(self, request: Request) -> bool:
        return self.habits.authentication == "none" or self._digest(request)

    def _username_token(self, root: Element, now: float) -> bool:
        said = {str(each.tag).rpartition("}")[2]: each.text or "" for each in root.iter()}
        nonce, created = said.get("Nonce", ""), said.get("Created", "")
        try:
            raw = base64.b64decode(nonce, validate=True)
            at = datetime.fromisoformat(created).timestamp()
        except (ValueError, binascii.Error):
            return False
        proof = hashlib.sha1(raw + created.encode() + self.password.encode()).digest()  # noqa: S324 -- the profile's
        right = (
            said.get("Username") == self.user
            and said.get("Password") == base64.b64encode(proof).decode()
            and created.endswith("Z")
            and abs(at - now) <= self.habits.tolerance
            and nonce not in self._seen
        )
        self._seen.add(nonce)
        return right

    def _digest(self, request: Request) -> bool:
        pairs = re.findall(r'([\w*]+)=(?:"([^"]*)"|([^\s,]+))', request.headers.get("authorization", ""))
        said = {name: quoted or bare for name, quoted, bare in pairs}
        nonce, count = said.get("nonce", ""), int(said.get("nc", "0"), 16)
        if nonce not in self._nonces or count <= self._nonces[nonce]:
            return False
        make = _HASHES.get(said.get("algorithm", "MD5"))
        target = f"{request.path}?{urlencode(list(request.query.items()))}" if request.query else request.path
        if make is None or said.get("uri") != target or said.get("qop") != "auth":
            return False
        secret = make(f"{self.user}:{REALM}:{self.password}".encode()).hexdigest()
        asked = make(f"{request.method}:{target}".encode()).hexdigest()
        proof = f"{secret}:{nonce}:{said['nc']}:{said['cnonce']}:auth:{asked}"
        if said.get("username") != self.user or said.get("response") != make(proof.encode()).hexdigest():
            return False
        self._nonces[nonce] = count
        return True
