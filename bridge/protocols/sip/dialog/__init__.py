"""Dialogs and the calls that make them, as pure values and state machines (RFC 3261 sections 9, 12 to 15).

`dialog` is the relation itself: tags, route set, sequence numbers. `incoming` and `outgoing` are the first
INVITE of a call, at its server and at its client; `acceptance` is a 2xx that is repeated until its ACK comes;
`session` is what happens within an established call. `reliable` and `session_timer` compute what RFC 3262 and
RFC 4028 ask for, `vocabulary` has the events and effects. Called by the user agent.
"""
