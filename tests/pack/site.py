"""A small site with everything the pack is made of."""

from __future__ import annotations

import pytest

from bridge.config import Site, load_text

SECRETS = {"WATCH": "watch-secret", "ORIGINATE": "originate-secret", "HEART": "heart-secret"}

TEXT = """\
site: {name: Tank farm; east, timezone: Europe/Berlin, language: en}
pbx:
  - {name: pbx1, type: ami, host: 127.0.0.1, username: sosbridge, secret: {env: WATCH}}
alarm: {extensions: ["9110", "_911X"], consoles: [control-1]}
phones:
  east-01: {endpoint: help-1, extension: "4101", location: post-01}
  east-02:
    {endpoint: help-2, extension: "4102", location: post-02, callback: never, announce: off, language: de}
  jetty-1: {endpoint: gateway, extension: "4501", location: post-02, shared: true}
locations:
  post-01: {spoken: Post one}
  post-02: {spoken: Post two, consoles: [control-2]}
consoles:
  control-1: {endpoint: desk-1}
  control-2: {endpoint: desk-2}
dispatch:
  originate: {username: sos-originate, secret: {env: ORIGINATE}}
  heartbeat: {username: sos-heartbeat, secret: {env: HEART}}
  groups:
    shift: {tiers: [[desk-1, lead-1], ["+4930123@trunk"]]}
    werk: {tiers: [[guard-1]], language: de}
  languages: {lead-1: fr}
times: {escalate_1: 10, escalate_2: 25}
"""


def load_site(monkeypatch: pytest.MonkeyPatch, text: str = TEXT) -> Site:
    """Load the text as a site, with its secrets in the environment."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    return load_text(text)
