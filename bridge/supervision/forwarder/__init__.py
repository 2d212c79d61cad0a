"""Tells syslog servers what is stored: each line of each story, each change of a fault, in order.

It reads behind the commit and is on nobody's way: an SOS neither waits for it nor writes more for it.
`app` makes one `Forwarders`; docs/syslog.md says what a receiver may rely on.
"""

from bridge.supervision.forwarder.carrying import Forwarder, Pace
from bridge.supervision.forwarder.forwarders import Forwarders
from bridge.supervision.forwarder.journal import Journal

__all__ = ["Forwarder", "Forwarders", "Journal", "Pace"]
