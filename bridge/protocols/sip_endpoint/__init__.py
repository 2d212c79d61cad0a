"""Sockets, connections and timers for the sans-IO SIP of `protocols.sip` (RFC 3261 section 18).

    endpoint = Endpoint(settings, received=user_agent.received, clock=clock)
    await endpoint.start()
    flow = await endpoint.open(Hop("pbx1.plant", 5060))         # where to, and what to write into Contact
    endpoint.send(request, flow, failed=lambda reason: ...)
    endpoint.healthy(), endpoint.reason                         # the watchdog's word
    await endpoint.stop()

`endpoint` is the whole; `udp`, `datagrams`, `connection`, `listener` and `connections` have the sockets,
`inbox` what every message passes on its way in, `routing` where a response goes, `flood` and `drops` what is
not let in, `resolver` the names, `outstanding` and `icmp` what did not arrive, `watchdog` whether we are
heard, `timers` the timers of the sans-IO machines. Called by `app`, which joins it to the user agent.

A name is looked up by address records alone: no SRV or NAPTR (RFC 3263). A plant has two PBXs and writes both
into the configuration; a failing DNS server must not decide whether a call for help leaves.
"""

from bridge.protocols.sip_endpoint.dscp import CS3, EF, mark
from bridge.protocols.sip_endpoint.endpoint import Endpoint
from bridge.protocols.sip_endpoint.hop import Hop, NotSentError
from bridge.protocols.sip_endpoint.settings import EndpointSettings, Listen
from bridge.protocols.sip_endpoint.timers import Timers

__all__ = ["CS3", "EF", "Endpoint", "EndpointSettings", "Hop", "Listen", "NotSentError", "Timers", "mark"]
