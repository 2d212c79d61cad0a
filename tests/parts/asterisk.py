"""A real Asterisk in a temporary folder, on its own free ports, as root or any user.

    with Asterisk("22", endpoints=[Endpoint(name="1001"), Endpoint(name="9110", port=-1)]) as pbx:
        pbx.sip_port, pbx.ami_port, pbx.http_port      # AMI user `lab`, secret `lab-secret`; same for ARI,
                                                       # which has a read-only `watch`, `watch-secret`
        pbx.port_of("9110")                            # where to start the answerer of 9110
        pbx.cli("core show channels")
        pbx.restart(); pbx.kill(); pbx.log()

`files={"extensions.conf": text}` replaces a base file (asterisk_files.py) or adds one; `append` adds text to
one. Texts may use @SIP_PORT@ @AMI_PORT@ @HTTP_PORT@ @RTP_START@ @RTP_END@ @FOLDER@ @ETC@ @LOG@ @SPOOL@
@SOUNDS@ and @PORT_9110@ (the contact port of an endpoint). The `en` sounds of the package play as usual.

The version is a Debian tree built by `make asterisk-tree` ("22", "16"), run without chroot through the
tree's own dynamic loader; where tree 22 is missing, an `asterisk` on PATH stands in for it.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from tests.parts.asterisk_files import BASE_FILES, Endpoint, fill, modules_conf, pjsip_sections
from tests.parts.ports import free_block, free_port, give_back
from tests.parts.processes import Child, PartError, tail
from tests.parts.trees import ASTERISK_16, ASTERISK_22, Tree

__all__ = ["Asterisk", "Endpoint", "Install", "find_install"]

TREES: Final[Mapping[str, Tree]] = {"22": ASTERISK_22, "16": ASTERISK_16}


@dataclass(frozen=True)
class Install:
    """One Asterisk on this machine: how to run it, and where its modules and data lie."""

    command: tuple[str, ...]
    modules: Path
    data: Path

    def version(self) -> str:
        """Return what `asterisk -V` says, such as `Asterisk 22.10.1~dfsg`."""
        said = subprocess.run([*self.command, "-V"], capture_output=True, text=True, check=True)
        return said.stdout.strip()


def find_install(version: str) -> Install | None:
    """Return the Asterisk to run for "22" or "16", or None where this machine has none."""
    tree = TREES[version]
    if tree.present:
        return _install_in(tree.path)
    on_path = shutil.which("asterisk") if version == "22" else None
    return install_of_system(on_path, Path("/")) if on_path else None


def install_of_system(program: str, root: Path) -> Install | None:
    """Return the Asterisk that a package or `make install` put under `root`; None if parts are missing."""
    modules = _modules_under(root)
    folders = (root / name for name in ("usr/share/asterisk", "var/lib/asterisk"))
    data = next((folder for folder in folders if (folder / "documentation").is_dir()), None)
    return Install((program,), modules, data) if modules and data else None


def _install_in(tree: Path) -> Install | None:
    # Debian's own loader and libraries, so that neither the host's libc nor a chroot is needed. Before the
    # merged /usr (16) the loader lies in /lib, and 16 keeps libasteriskpj directly in /usr/lib.
    triplet = next(tree.glob("usr/lib/*-linux-gnu*")).name
    libraries = [tree / "lib" / triplet, tree / "usr/lib" / triplet, tree / "usr/lib"]
    loader = next(found for folder in libraries for found in sorted(folder.glob("ld-linux*.so.*")))
    path = ":".join(str(folder) for folder in libraries)
    command = (str(loader), "--library-path", path, str(tree / "usr/sbin/asterisk"))
    modules = _modules_under(tree)
    return Install(command, modules, tree / "usr/share/asterisk") if modules else None


def _modules_under(root: Path) -> Path | None:
    patterns = ("usr/lib/*/asterisk/modules", "usr/lib/asterisk/modules", "usr/lib64/asterisk/modules")
    return next((found for pattern in patterns for found in root.glob(pattern)), None)


class Asterisk:
    """One PBX. `start` returns when it is fully booted; every method raises PartError with the log's end.

    folder: where it lives until `close` (short, because its control socket's path must fit 107 bytes).
    modules: names of modules to load besides the base set. rtp_ports: two for each call at a time.
    """

    def __init__(
        self,
        version: str = "22",
        *,
        files: Mapping[str, str] | None = None,
        append: Mapping[str, str] | None = None,
        endpoints: Sequence[Endpoint] = (),
        modules: Iterable[str] = (),
        rtp_ports: int = 200,
    ) -> None:
        found = find_install(version)
        if found is None:
            raise PartError(f"no Asterisk {version} on this machine: {TREES[version].target}")
        self.install = found
        self.version = version
        self.sip_port = free_port()
        self.ami_port = free_port()
        self.http_port = free_port()
        self.rtp_ports = rtp_ports
        self.rtp_start = free_block(rtp_ports)
        self.endpoints = tuple(_with_port(endpoint) for endpoint in endpoints)
        self._child: Child | None = None
        self.folder = Path(tempfile.mkdtemp(prefix="ast-"))
        try:
            self._write_folder(files or {}, append or {}, modules)
        except BaseException:
            self.close()
            raise

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
    def pid(self) -> int:
        return self._running_child().pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.running

    @property
    def etc(self) -> Path:
        return self.folder / "etc"

    @property
    def log_folder(self) -> Path:
        """Holds full.log, cdr-custom/Master.csv, cel-custom/Master.csv."""
        return self.folder / "log"

    @property
    def sounds(self) -> Path:
        """A folder for a test's own prompts: play `@SOUNDS@/name` (8 kHz mono 16 bit .wav)."""
        return self.folder / "sounds"

    @property
    def recordings(self) -> Path:
        """Where MixMonitor and Record write relative names."""
        return self.folder / "spool" / "monitor"

    def port_of(self, endpoint: str) -> int:
        """Return the port of the endpoint's static contact."""
        return next(e.port for e in self.endpoints if e.name == endpoint and e.port)

    def start(self, timeout: float = 20.0) -> None:
        """Start it and wait until it is fully booted (about 0.4 s)."""
        command = [*self.install.command, "-f", "-C", str(self.etc / "asterisk.conf")]
        control = self.folder / "run" / "asterisk.ctl"
        control.unlink(missing_ok=True)
        log_file = self.folder / "out.log"
        self._child = Child(command, log_file, environment={"LC_ALL": "C.UTF-8"}, name="asterisk")
        try:
            self._child.wait_until(control.exists, timeout, "listening on its control socket")
            self._child.wait_until(self._is_booted, timeout, "fully booted")
        except PartError as error:
            self._child.kill()
            raise PartError(f"{error}\n{tail(self.log_folder / 'full.log')}") from None

    def stop(self) -> None:
        """End it as an administrator would (SIGTERM: calls are hung up). Safe to repeat."""
        if self._child is not None:
            self._child.stop()

    def kill(self) -> None:
        """End it at once (SIGKILL), as a crash or a power cut does."""
        self._running_child().kill()

    def restart(self) -> None:
        """Stop it and start it again on the same ports with the same files."""
        self.stop()
        self.start()

    def close(self) -> None:
        """End it at once and remove its folder. Safe to repeat."""
        if self._child is not None:
            self._child.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
        give_back(self.rtp_start, self.rtp_ports)

    def cli(self, command: str, timeout: float = 10.0) -> str:
        """Run one command of Asterisk's own command line and return what it printed."""
        conf = str(self.etc / "asterisk.conf")
        outcome = subprocess.run(
            [*self.install.command, "-C", conf, "-rx", command],
            capture_output=True,
            timeout=timeout,
            check=False,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
        text = outcome.stdout.decode(errors="replace")
        if outcome.returncode:
            raise PartError(f"asterisk -rx {command!r}: {text}{outcome.stderr.decode(errors='replace')}")
        return text

    def channels(self) -> list[list[str]]:
        """Return the live channels: the columns of `core show channels concise`."""
        rows = self.cli("core show channels concise").splitlines()
        return [row.split("!") for row in rows if "!" in row]

    def hang_up_all(self) -> None:
        """End every call and wait until none is left, for tests that share one PBX."""
        self.cli("channel request hangup all")
        deadline = time.monotonic() + 5
        while self.channels():
            if time.monotonic() > deadline:
                raise PartError(f"channels that do not end: {self.channels()}")
            time.sleep(0.02)

    def write(self, name: str, text: str) -> None:
        """Write one configuration file (with @WORDS@); the caller reloads with `cli`."""
        path = self.etc / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(fill(text, self._words()))

    def log(self) -> str:
        """Return full.log: notices, warnings, errors, verbose 3, security."""
        file = self.log_folder / "full.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def _running_child(self) -> Child:
        if self._child is None:
            raise PartError("this Asterisk was never started")
        return self._child

    def _is_booted(self) -> bool:
        with contextlib.suppress(PartError, subprocess.TimeoutExpired):
            return "fully booted" in self.cli("core waitfullybooted")
        return False

    def _words(self) -> dict[str, str]:
        return {
            "SIP_PORT": str(self.sip_port),
            "AMI_PORT": str(self.ami_port),
            "HTTP_PORT": str(self.http_port),
            "RTP_START": str(self.rtp_start),
            "RTP_END": str(self.rtp_start + self.rtp_ports - 1),
            "FOLDER": str(self.folder),
            "ETC": str(self.etc),
            "LOG": str(self.log_folder),
            "SPOOL": str(self.folder / "spool"),
            "SOUNDS": str(self.sounds),
            "MODULES": str(self.install.modules),
            **{_port_word(endpoint): str(endpoint.port) for endpoint in self.endpoints if endpoint.port},
        }

    def _write_folder(
        self, files: Mapping[str, str], append: Mapping[str, str], modules: Iterable[str]
    ) -> None:
        # cdr_custom and cel_custom write nothing, silently, where their folders are missing.
        for name in ("etc", "db/keys", "run", "sounds", "log/cdr-custom", "log/cel-custom"):
            (self.folder / name).mkdir(parents=True)
        for name in ("monitor", "outgoing", "tmp", "recording", "voicemail"):
            (self.folder / "spool" / name).mkdir(parents=True)
        (self.folder / "varlib").mkdir()
        self._link_data()
        available = [module.stem for module in self.install.modules.glob("*.so")]
        texts = {**BASE_FILES, "modules.conf": modules_conf(available, modules), **files}
        texts["pjsip.conf"] += pjsip_sections(self.endpoints)
        for name, text in append.items():
            texts[name] = texts.get(name, "") + "\n" + text
        for name, text in texts.items():
            self.write(name, text)

    def _link_data(self) -> None:
        # The tree's sounds/en goes through /etc/alternatives, which is dead outside the chroot.
        data = self.folder / "data"
        data.mkdir()
        for entry in self.install.data.iterdir():
            if entry.name != "sounds":
                (data / entry.name).symlink_to(entry)
        (data / "sounds").mkdir()
        originals = self.install.data / "sounds"
        spoken = next((f for f in (originals / "en_US_f_Allison", originals / "en") if f.is_dir()), None)
        if spoken is not None:
            (data / "sounds" / "en").symlink_to(spoken)


def _with_port(endpoint: Endpoint) -> Endpoint:
    return replace(endpoint, port=free_port()) if endpoint.port == -1 else endpoint


def _port_word(endpoint: Endpoint) -> str:
    return "PORT_" + re.sub(r"[^A-Z0-9]", "_", endpoint.name.upper())
