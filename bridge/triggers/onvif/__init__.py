"""Digital inputs of a camera or an I/O device, by ONVIF events: `type: onvif` under `pbx`.

See docs/triggers/onvif.md. `trigger` keeps the subscription and hands events over, `inputs` turns messages
into events, `check` proves the device before it is needed.
"""

from bridge.triggers.onvif.settings import Config
from bridge.triggers.onvif.trigger import Trigger

__all__ = ["Config", "Trigger"]
