"""The nouns everybody shares, and the small protocols between the layers.

All times are UTC epoch seconds as float unless a name says otherwise; durations are seconds.
All values are immutable: a change is a new value (`dataclasses.replace`).
"""

from bridge.model.deliveries import UNDO, Capability, Delivery, DeliveryState, Operation, Receipt, Sharing
from bridge.model.events import CALL_KINDS, OF_CALLS, Event, Kind, Tier
from bridge.model.ids import NAMESPACE, NOTHING, derive_id
from bridge.model.incidents import Call, Fault, Hold, Incident, IncidentState, TimelineEntry, Timer
from bridge.model.ports import Accept, Clock, Driver, Finding, Say, Stocked, Trigger, TriggerStatus, Watcher
from bridge.model.site import Inventory, Location, Phone, Targets, View, VmsCamera, VmsConsole

__all__ = [
    "CALL_KINDS",
    "NAMESPACE",
    "NOTHING",
    "OF_CALLS",
    "UNDO",
    "Accept",
    "Call",
    "Capability",
    "Clock",
    "Delivery",
    "DeliveryState",
    "Driver",
    "Event",
    "Fault",
    "Finding",
    "Hold",
    "Incident",
    "IncidentState",
    "Inventory",
    "Kind",
    "Location",
    "Operation",
    "Phone",
    "Receipt",
    "Say",
    "Sharing",
    "Stocked",
    "Targets",
    "Tier",
    "TimelineEntry",
    "Timer",
    "Trigger",
    "TriggerStatus",
    "View",
    "VmsCamera",
    "VmsConsole",
    "Watcher",
    "derive_id",
]
