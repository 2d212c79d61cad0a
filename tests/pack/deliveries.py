"""Deliveries and a dispatch driver for tests against the lab."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from bridge.drivers.dispatch import Config, Driver
from bridge.model import Delivery, DeliveryState, Operation, Targets, Tier
from bridge.supervision.clocks import SystemClock
from tests.pack.lab import HEARTBEAT, ORIGINATE, PackLab


def settings(lab: PackLab, monkeypatch: pytest.MonkeyPatch, **more: Any) -> Config:
    """Settings of `dispatch` for the lab's PBX; the secrets come by environment."""
    monkeypatch.setenv("ORIGINATE_SECRET", str(ORIGINATE.secret))
    monkeypatch.setenv("HEARTBEAT_SECRET", str(HEARTBEAT.secret))
    values = {
        "port": lab.pbx.ami_port,
        "originate": {"username": ORIGINATE.username, "secret": {"env": "ORIGINATE_SECRET"}},
        "heartbeat": {"username": HEARTBEAT.username, "secret": {"env": "HEARTBEAT_SECRET"}},
        **more,
    }
    return Config.model_validate(values)


def dispatch_driver(lab: PackLab, monkeypatch: pytest.MonkeyPatch, **more: Any) -> Driver:
    return Driver("dispatch", settings(lab, monkeypatch, **more), targets=Targets(), clock=SystemClock())


def notification(step: str = "no_picture/1", *, phone: str = "P-1001", **more: Any) -> Delivery:
    """A `notify` of the group `shift`, of an incident of its own; params by keyword `params`."""
    params = {"phone": phone, "picture": "not confirmed", "exercise": "", **more.pop("params", {})}
    return Delivery(
        **{
            "id": str(uuid.uuid4()),
            "incident": str(uuid.uuid4()),
            "step": step,
            "driver": "dispatch",
            "operation": Operation.NOTIFY,
            "target": "shift",
            "params": params,
            "tier": Tier.EMERGENCY,
            "order": 0,
            "state": DeliveryState.LEASED,
            "created_at": 0.0,
            "deadline": 300.0,
            **more,
        }
    )
