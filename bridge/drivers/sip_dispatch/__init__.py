"""Dispatch groups, rung by the bridge's own telephone exchange (docs/drivers/sip_dispatch.md)."""

from bridge.drivers.sip_dispatch.driver import Driver, Exchange
from bridge.drivers.sip_dispatch.proofs import proofs_of
from bridge.drivers.sip_dispatch.settings import Config

__all__ = ["Config", "Driver", "Exchange", "proofs_of"]
