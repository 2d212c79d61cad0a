"""SIP without sockets and clocks: bytes in, values out, and back (RFC 3261 and what has grown around it).

`framing` makes messages of bytes, `message` is a message, `headers` the values of its fields, `uri` and
`params` what those are made of; `sdp` and `bodies` read what it carries; `digest` signs and judges.
`transaction` repeats what gets lost, `dialog` has the states of a call, `agent` is the user agent that joins
them, `flow` says where messages come from and go to. Called by `sip_endpoint`, the registrar, the B2BUA and
the SIP trigger.
"""
