"""A real ZoneMinder 1.36 with two cameras, from the tree of `make zoneminder-tree`. Needs root.

    with ZoneMinder() as vms:                          # about 5 s
        vms.url                                        # http://127.0.0.1:PORT/zm
        vms.user, vms.password                         # admin, admin
        vms.monitors["TANKFARM-EAST-PTZ-01"]           # monitor id
        vms.cameras["TANKFARM-EAST-FIX-02"].stop()     # a dead camera; .start() brings it back
        vms.cameras["TANKFARM-EAST-PTZ-01"].commands   # PTZ commands that reached the camera
        vms.alarm(name, "on"), vms.events(name)        # independent of the product's driver
        vms.stop_web(); vms.start_web()                # the VMS is down and back
        vms.restart_capture(name)                      # a forced alarm is lost, as in real life

MariaDB, Apache and the daemons run in a mount and process namespace of their own that dies with this
object, or with the test run (tests/parts/zoneminder_boot.sh). The cameras are `MjpegCamera`s, function
Nodect; the first is PTZ (Axis protocol).
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Self

import requests

from tests.parts.mjpeg import HEIGHT, WIDTH, MjpegCamera
from tests.parts.ports import LOOPBACK, free_port
from tests.parts.processes import Child, PartError
from tests.parts.trees import ZONEMINDER
from tests.parts.zoneminder_files import APACHE, MONITOR_SQL, SITE_CONF, SITE_SQL

PTZ_CAMERA: Final = "TANKFARM-EAST-PTZ-01"
FIXED_CAMERA: Final = "TANKFARM-EAST-FIX-02"
BOOT_SCRIPT: Final = Path(__file__).with_name("zoneminder_boot.sh")


class ZoneMinder:
    """One ZoneMinder. `start` returns when both cameras give pictures."""

    user: Final = "admin"
    password: Final = "admin"

    def __init__(self) -> None:
        if not ZONEMINDER.present:
            raise PartError(f"no ZoneMinder on this machine: {ZONEMINDER.target}")
        self.folder = Path(tempfile.mkdtemp(prefix="zm-"))
        self.port = free_port()
        self.cameras: Mapping[str, MjpegCamera] = {PTZ_CAMERA: MjpegCamera(), FIXED_CAMERA: MjpegCamera()}
        self.monitors: Mapping[str, int] = {name: number for number, name in enumerate(self.cameras, start=1)}
        self._child: Child | None = None
        self._token = ""

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/zm"

    def start(self) -> None:
        """Start everything. Raises PartError with the end of the log."""
        self._write_session()
        for camera in self.cameras.values():
            camera.start()
        # The kernel kills the namespace's process 1, and with it everything, when unshare dies.
        namespace = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]
        boot = ["sh", str(BOOT_SCRIPT), "mount", str(ZONEMINDER.path), str(self.folder)]
        self._child = Child([*namespace, *boot], self.folder / "boot.log", name="zoneminder")
        self._child.wait_until((self.folder / "data" / "ready").exists, 60.0, "started")
        for name in self.cameras:
            self.wait_recording_ready(name)

    def close(self) -> None:
        """End everything and remove the session's folder. Safe to repeat."""
        if self._child is not None:
            first_process = self._first_process()
            self._child.kill()
            _wait(lambda: not Path(f"/proc/{first_process}").exists(), 10.0, "ZoneMinder still runs")
            self._child = None
        for camera in self.cameras.values():
            camera.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def api(self, path: str, *, method: str = "GET", data: Mapping[str, str] | None = None) -> Any:
        """Return the JSON of one API call, such as `api("monitors.json")`. Raises requests.HTTPError."""
        return self._call(method, path, {"token": self.token()}, data)

    def token(self) -> str:
        """Return an access token of our own, for calls outside the API."""
        if not self._token:
            login = {"user": self.user, "pass": self.password}
            self._token = self._call("POST", "host/login.json", {}, login)["access_token"]
        return self._token

    def alarm(self, monitor: str, command: str) -> str:
        """Force (`on`), end (`off`) or ask (`status`: 0 idle, 2 alarm, 3 alert) the alarm of a monitor."""
        answer = self.api(f"monitors/alarm/id:{self.monitors[monitor]}/command:{command}.json")
        return str(answer["status"])

    def events(self, monitor: str) -> list[dict[str, Any]]:
        """Return the monitor's events, oldest first: Id, Name, Cause, Notes, Archived, EndDateTime, ..."""
        found = self.api(f"events/index/MonitorId:{self.monitors[monitor]}.json")["events"]
        return sorted((row["Event"] for row in found), key=lambda event: int(event["Id"]))

    def status(self, monitor: str) -> dict[str, Any]:
        """Return the monitor's Monitor_Status: Status, CaptureFPS, AnalysisFPS."""
        row: dict[str, Any] = self.api(f"monitors/{self.monitors[monitor]}.json")["monitor"]["Monitor_Status"]
        return row

    def wait_recording_ready(self, monitor: str, timeout: float = 30.0) -> None:
        """Wait until pictures of the monitor arrive, so that an alarm can be forced."""

        def connected() -> bool:
            status = self.status(monitor)
            return status["Status"] == "Connected" and float(status["CaptureFPS"] or 0) > 0

        _wait(connected, timeout, f"{monitor} has no picture")

    def stop_web(self) -> None:
        """Stop the web server: the API refuses connections, recording goes on."""
        self._run("apache2", "-f", "/mnt/apache2.conf", "-k", "stop")
        _wait(lambda: not _listens(self.port), 10.0, "the web server still listens")

    def start_web(self) -> None:
        """Start the web server again."""
        self._run("apache2", "-f", "/mnt/apache2.conf")
        _wait(lambda: _listens(self.port), 10.0, "the web server does not listen")

    def restart_capture(self, monitor: str) -> None:
        """Restart the monitor's capture process; an alarm forced before is gone."""
        command = ["zmdc.pl", "restart", "zmc", "-m", str(self.monitors[monitor])]
        self._run("setpriv", "--reuid=www-data", "--regid=www-data", "--init-groups", "--", *command)

    def log(self) -> str:
        """Return the logs of the web server and of the daemons."""
        files = sorted((self.folder / "data" / "log").rglob("*.log"))
        return "\n".join(f"== {file.name}\n{file.read_text(errors='replace')}" for file in files)

    def _call(self, method: str, path: str, query: Mapping[str, str], data: Mapping[str, str] | None) -> Any:
        answer = requests.request(method, f"{self.url}/api/{path}", params=query, data=data, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def _run(self, *command: str) -> None:
        """Run a command inside."""
        inside = ["nsenter", "--target", str(self._first_process()), "--mount", "--pid", "--root", "--wd=/"]
        environment = ["env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"]
        outcome = subprocess.run(
            [*inside, *environment, *command], capture_output=True, text=True, check=False
        )
        if outcome.returncode:
            raise PartError(f"{' '.join(command)} failed: {outcome.stdout}{outcome.stderr}")

    def _first_process(self) -> int:
        """The namespace's process 1, as its pid outside: the only child of unshare."""
        if self._child is None:
            raise PartError("this ZoneMinder is not running")
        pid = self._child.pid
        children = Path(f"/proc/{pid}/task/{pid}/children")
        return int(children.read_text().split()[0]) if children.exists() and self._child.running else 0

    def _write_session(self) -> None:
        data = self.folder / "data"
        for name in ("root", "data/log", "data/cache/events", "data/cache/images", "data/cache/temp"):
            (self.folder / name).mkdir(parents=True)
        self.folder.chmod(0o755)
        shutil.copy(BOOT_SCRIPT, data / "boot.sh")
        shutil.copytree(ZONEMINDER.path / "etc" / "zm", data / "etc-zm")
        (data / "etc-zm" / "conf.d" / "90-tests.conf").write_text(SITE_CONF)
        (data / "apache2.conf").write_text(APACHE.format(loopback=LOOPBACK, port=self.port))
        (data / "site.sql").write_text(SITE_SQL + "".join(map(self._monitor_sql, self.cameras)))

    def _monitor_sql(self, name: str) -> str:
        camera = self.cameras[name]
        return MONITOR_SQL.format(
            name=name,
            url=camera.url,
            address=camera.address,
            width=WIDTH,
            height=HEIGHT,
            ptz=int(name == PTZ_CAMERA),
            sequence=self.monitors[name],
        )


def _listens(port: int) -> bool:
    wanted = f"0100007F:{port:04X}"
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return any(row[1] == wanted and row[3] == "0A" for row in rows)


def _wait(ready: Callable[[], bool], timeout: float, problem: str) -> None:
    deadline = time.monotonic() + timeout
    while not ready():
        if time.monotonic() > deadline:
            raise PartError(f"{problem} after {timeout:g} s")
        time.sleep(0.05)
