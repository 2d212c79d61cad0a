"""A site file with every kind of driver; nothing that it names exists, and none of its secrets is there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from tests.replay.logs import FOLDER

ANSWERED: Final = FOLDER / "22" / "answered.cel"
CALL: Final = re.findall(r'"(\d{10}\.\d+)"', ANSWERED.read_text().splitlines()[0])[-1]
"""Uniqueid of the alarm call in it."""
LATER: Final = 7200
"""Seconds from it to its like in `twice`."""

PHONES: Final = """\
site: {name: Plant, timezone: Europe/Amsterdam}
alarm: {extensions: ["9110"]}
pbx:
  - {name: pbx1, type: ami, host: pbx.example, username: bridge, secret: {env: NOT_SET}}
consoles:
  desk-1: {genetec: "65", milestone: 00000030-0000-4000-8000-000000000001, wall: M-1, nx: desk-1}
locations:
  POST-1:
    spoken: post one
    cameras: [{camera: PTZ-1, preset: gate}]
    consoles: [desk-1]
    beacons: [lamp]
times: {post_roll_emergency: 5}
phones:
  P-01: {endpoint: 1001, extension: 1001, location: POST-1}
dispatch:
  host: pbx.example
  originate: {username: a, secret: {env: NOT_SET}}
  heartbeat: {username: b, secret: {env: NOT_SET}}
  groups:
    shift: {tiers: [[desk-9, shift-lead], [plant-manager]]}
syslog:
  - {name: siem, host: siem.example, port: 514, transport: tcp}
"""

DRIVERS: Final = """\
cameras:
  PTZ-1:
    zm: 4
    genetec: 00000001-0000-babe-0000-000000000001
    milestone: 000000ca-0000-4000-8000-000000000001
    nx: c0ffee00-0000-4000-8000-000000000001
    frigate: east
    onvif: ptz-1
    wall: w1
    presets: {gate: 7}
vms:
  - {name: zm, type: zoneminder, base_url: "https://zm.example/zm", user: u, password: {file: /not/there}}
  - name: genetec
    type: genetec
    base_url: https://genetec.example:4590/WebSdk
    user: u
    password: {env: NOT_SET}
    application_id: {env: NOT_SET}
    alarm: 000000a1-0000-0000-0000-000000000001
    events: {start: 5000, stop: 5001}
    operators: {"65": [00000005-0000-0000-0000-000000000001]}
  - name: milestone
    type: milestone
    base_url: https://xprotect.example
    user: DOMAIN\\bridge
    user_kind: windows
    password: {env: NOT_SET}
    events: {start: SOS start, stop: SOS stop}
    acknowledged_state: Assigned
  - name: nx
    type: nx
    base_url: https://nx.example:7001
    tls: {ca: /not/there.pem}
    user: u
    password: {env: NOT_SET}
    show_trigger: show at {target}
  - name: frigate
    type: frigate
    base_url: https://frigate.example:8971
    user: u
    password: {env: NOT_SET}
  - name: onvif
    type: onvif
    cameras:
      ptz-1:
        url: http://camera.example/odd/service
        user: u
        password: {env: NOT_SET}
        profile: p
        relay: r1
  - name: relay
    type: modbus
    host: relay.example
    outputs: {lamp: {coil: 16}}
  - name: wall
    type: http
    base_url: http://wall.example
    auth: {kind: bearer, token: {credential: not-there}}
    health: {path: /status}
    requests:
      popup: {method: PUT, path: "/popups/{incident}", json: {title: "{title}"}, capability: repeatable}
      close_popup: {method: DELETE, path: "/popups/{incident}", capability: repeatable}
response:
  sos:
    - {do: beacon_on, with: relay}
    - {do: start_recording, with: zm}
    - {do: bookmark, with: zm}
    - {do: lock_evidence, with: zm}
    - {do: event_start, with: genetec}
    - {do: show, with: genetec}
    - {do: popup, with: genetec}
    - {do: bookmark, with: genetec}
    - {do: event_start, with: milestone}
    - {do: recall_preset, with: milestone}
    - {do: show, with: milestone}
    - {do: popup, with: milestone}
    - {do: bookmark, with: milestone}
    - {do: event_start, with: nx}
    - {do: show, with: nx}
    - {do: bookmark, with: nx}
    - {do: event_start, with: frigate}
    - {do: bookmark, with: frigate}
    - {do: recall_preset, with: onvif}
    - {do: prove_live, with: onvif}
    - {do: event_start, with: onvif}
    - {do: popup, with: wall}
"""


def write_site(folder: Path) -> Path:
    """Write it, and return where."""
    file = folder / "site.yaml"
    file.write_text(PHONES + DRIVERS, "utf-8")
    return file


def twice(folder: Path) -> Path:
    """The answered call, and the same once more two hours later."""
    text = ANSWERED.read_text()
    later = re.sub(r'(?<=")1\d{9}(?=\.)', lambda found: str(int(found[0]) + LATER), text)
    log = folder / "log.cel"
    log.write_text(text + later)
    return log
