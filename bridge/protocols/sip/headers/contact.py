"""Contact (RFC 3261 sections 10.2 and 20.10): where a user agent can be reached, or `*` for all of them.

Called by `message`; the registrar asks for `expires`, `q` and `instance`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Self

from bridge.errors import ProtocolError
from bridge.protocols.sip.grammar import clamped
from bridge.protocols.sip.headers.address import Address

_DEFAULT_EXPIRES: Final = 3600


@dataclass(frozen=True, slots=True)
class Contact(Address):
    """One contact. `ALL_CONTACTS` stands for `*`."""

    @property
    def expires(self) -> int | None:
        """The expires parameter in seconds, None if there is none.

        A malformed one counts as 3600 (RFC 3261 section 10.2.1.1), a huge one as the largest.
        """
        if "expires" not in self.params:
            return None
        try:
            return clamped(self.params.get("expires"), "expires")
        except ProtocolError:
            return _DEFAULT_EXPIRES

    @property
    def q(self) -> float:
        """The preference from 0 to 1; 1 if there is none, 0 if it cannot be read."""
        if "q" not in self.params:
            return 1.0
        text = self.params.get("q")
        try:
            value = float(text) if text.isascii() else math.nan
        except ValueError:
            value = math.nan
        return value if 0.0 <= value <= 1.0 else 0.0

    @property
    def instance(self) -> str:
        """The `+sip.instance` of RFC 5626 without its brackets: the same telephone after a reboot."""
        return self.params.get("+sip.instance").strip("<>")


@dataclass(frozen=True, slots=True)
class AllContacts:
    """`Contact: *`, by which a REGISTER removes every registration (section 10.2.2)."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ProtocolError on anything but `*`."""
        if text.strip(" \t") != "*":
            raise ProtocolError("a contact that is not *")
        return cls()

    def __str__(self) -> str:
        return "*"


ALL_CONTACTS: Final = AllContacts()
