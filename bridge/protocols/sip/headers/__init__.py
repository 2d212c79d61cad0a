"""The values of SIP header fields: one type, one file.

Each is a frozen dataclass with `parse` and `str()` as the only way in and out: `parse(str(x)) == x`, and
either raises ProtocolError on what the grammar forbids. Called by `bridge.protocols.sip.message`.
"""
