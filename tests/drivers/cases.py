"""The drivers under contract. A new one adds its cases to `CASES` and passes every test of test_contract.py.

What cases share stands in case.py; each driver's cases in a module of their own, cases_*.py.
"""

from __future__ import annotations

from typing import Final

from tests.drivers import (
    cases_frigate,
    cases_genetec,
    cases_http,
    cases_milestone,
    cases_nx,
    cases_onvif,
    cases_zoneminder,
)
from tests.drivers.case import Maker

CASES: Final[dict[str, Maker]] = {
    **cases_frigate.CASES,
    **cases_genetec.CASES,
    **cases_http.CASES,
    **cases_milestone.CASES,
    **cases_nx.CASES,
    **cases_onvif.CASES,
    **cases_zoneminder.CASES,
}
