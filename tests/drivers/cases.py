"""The drivers under contract. A new one adds its cases to `CASES` and passes every test of test_contract.py.

What cases share stands in case.py; each driver's cases in a module of their own, cases_*.py.
"""

from __future__ import annotations

from typing import Final

from tests.drivers.case import (
    HURRY,
    INCIDENT,
    SECRET,
    SECRET_NAME,
    Case,
    HastyClock,
    Maker,
    build,
    delivery,
)
from tests.drivers.cases_frigate import frigate_bookmark, frigate_lock, frigate_start, frigate_stop
from tests.drivers.cases_genetec import (
    genetec_bookmark,
    genetec_close_popup,
    genetec_event,
    genetec_popup,
    genetec_show,
)
from tests.drivers.cases_http import HTTP_REQUESTS, http_bookmark, http_popup, http_show
from tests.drivers.cases_milestone import (
    ms_alarm,
    ms_bookmark,
    ms_event,
    ms_lock,
    ms_preset,
    ms_show,
    ms_windows,
)
from tests.drivers.cases_nx import nx_bookmark, nx_event, nx_home, nx_old_event, nx_preset
from tests.drivers.cases_onvif import onvif_blind, onvif_event, onvif_home, onvif_recall
from tests.drivers.cases_zoneminder import zm_bookmark, zm_extend, zm_lock, zm_preset, zm_start, zm_stop

__all__ = [
    "CASES",
    "HTTP_REQUESTS",
    "HURRY",
    "INCIDENT",
    "SECRET",
    "SECRET_NAME",
    "Case",
    "HastyClock",
    "Maker",
    "build",
    "delivery",
]

CASES: Final[dict[str, Maker]] = {
    "frigate-start": frigate_start,
    "frigate-stop": frigate_stop,
    "frigate-bookmark": frigate_bookmark,
    "frigate-lock": frigate_lock,
    "genetec-show": genetec_show,
    "genetec-bookmark": genetec_bookmark,
    "genetec-event": genetec_event,
    "genetec-popup": genetec_popup,
    "genetec-close-popup": genetec_close_popup,
    "http-show": http_show,
    "http-bookmark": http_bookmark,
    "http-popup": http_popup,
    "milestone-preset": ms_preset,
    "milestone-bookmark": ms_bookmark,
    "milestone-lock": ms_lock,
    "milestone-alarm": ms_alarm,
    "milestone-event": ms_event,
    "milestone-show": ms_show,
    "milestone-windows": ms_windows,
    "nx-event": nx_event,
    "nx-old-event": nx_old_event,
    "nx-preset": nx_preset,
    "nx-home": nx_home,
    "nx-bookmark": nx_bookmark,
    "onvif-recall": onvif_recall,
    "onvif-blind": onvif_blind,
    "onvif-home": onvif_home,
    "onvif-event": onvif_event,
    "zoneminder-start": zm_start,
    "zoneminder-stop": zm_stop,
    "zoneminder-bookmark": zm_bookmark,
    "zoneminder-extend": zm_extend,
    "zoneminder-lock": zm_lock,
    "zoneminder-preset": zm_preset,
}
