"""SIP without sockets and clocks: bytes in, values out, and back (RFC 3261 and what has grown around it).

`framing` makes messages of bytes, `message` is a message, `headers` the values of its fields, `uri` and
`params` what those are made of; `sdp` and `bodies` read what it carries; `digest` signs and judges. Called by
`sip_endpoint`, the registrar, the user agent and the SIP trigger.
"""
