"""A real Asterisk with the dialplan pack, private to this process: its own folder, 127.0.0.1, free ports.

Nothing of an Asterisk that runs on this machine is read, written or asked: only its program, modules and
documentation are used. It runs as the user who starts it. Called by `sosbridge drill ladder`.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import socket
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, Self

from bridge.errors import SosBridgeError
from bridge.protocols.sip.flow import HostPort
from bridge.simulator.asterisk_files import FILES, HOST, MODULES, endpoints
from bridge.simulator.child import Child, ChildFailed

PLACES: Final = ("/usr/sbin", "/usr/local/sbin")
"""Where an Asterisk is that no user has on PATH."""
_PORTS: Final = range(61_000, 64_000)
"""Above what Linux gives to outgoing connections."""
_RTP: Final = range(64_000, 64_400)
"""Asterisk itself takes others of these where one is taken."""
_STARTS_WITHIN: Final = 40.0
_ANSWERS_WITHIN: Final = 30.0


class NoAsterisk(SosBridgeError):
    """The program is none that can be run here. The text says what is missing."""


def find_asterisk() -> Path | None:
    """Return the Asterisk of this machine, None where it has none."""
    candidates = (shutil.which("asterisk"), *(shutil.which("asterisk", path=place) for place in PLACES))
    return next((Path(found) for found in candidates if found), None)


class PrivateAsterisk:
    """program: of an installed Asterisk. folder: empty; short, because its control socket lies in it.

    Use as an async context manager, and `start` it inside: its ports are known before. Raises NoAsterisk.
    """

    def __init__(self, program: Path, folder: Path) -> None:
        self.folder: Final = folder
        self._program: Final = program
        self._modules: Final = _modules_of(program)
        self._data: Final = _data_of(program)
        self._child: Child | None = None
        sip, ami = _Port(socket.SOCK_DGRAM), _Port(socket.SOCK_STREAM)
        self._ports: Final = (sip, ami)
        self.sip: Final[HostPort] = (HOST, sip.number)
        self.ami_port: Final = ami.number

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            if self._child is not None:
                await self._child.stop()
        finally:
            for port in self._ports:
                port.give_back()

    async def start(
        self, pack: Mapping[str, str], *, help_points: Iterable[str], others: Iterable[str]
    ) -> None:
        """Start it, and return when it is fully booted. Raises ChildFailed.

        pack: file name -> text, as rendered. help_points, others: endpoints that register, without a
        password; the help points may dial the alarm extensions, the others nothing.
        """
        self._write(pack, endpoints(help_points, others))
        log = self.folder / "printed.log"
        command = (self._program, "-f", "-C", self._conf)
        self._child = await Child.start(command, log, name="Asterisk", environment={"LC_ALL": "C.UTF-8"})
        await self._child.until((self.folder / "run/asterisk.ctl").exists, "listening", _STARTS_WITHIN)
        await self.ask("core waitfullybooted")
        await self._require_modules()

    async def ask(self, command: str) -> str:
        """Return what Asterisk's own command line says. Raises ChildFailed."""
        asking = await asyncio.create_subprocess_exec(
            self._program,
            *("-C", self._conf, "-rx", command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(_ANSWERS_WITHIN):
                said, _ = await asking.communicate()
        except TimeoutError:
            raise ChildFailed(f"Asterisk does not answer `{command}`") from None
        finally:
            if asking.returncode is None:
                asking.kill()
                await asking.wait()
        text = said.decode("utf-8", "replace")
        if asking.returncode:
            raise ChildFailed(f"Asterisk refuses `{command}`: {text.strip()}")
        return text

    async def value_of(self, variable: str) -> str:
        """Return what a global variable of the dialplan has, '' where there is none. Raises ChildFailed."""
        for line in (await self.ask("dialplan show globals")).splitlines():
            name, _, value = line.strip().partition("=")
            if name == variable:
                return value
        return ""

    async def _require_modules(self) -> None:
        said = (line.split() for line in (await self.ask("module show")).splitlines())
        running = {
            words[0].removesuffix(".so") for words in said if "Running" in words and "Not" not in words
        }
        if idle := [name for name in MODULES if name not in running]:
            raise ChildFailed(f"Asterisk has not loaded {', '.join(idle)}: its log says why")

    @property
    def _conf(self) -> Path:
        return self.folder / "etc/asterisk.conf"

    def _write(self, pack: Mapping[str, str], phones: str) -> None:
        for name in ("etc/sosbridge", "run", "var", "spool/monitor", "spool/tmp"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        words = {
            "folder": self.folder,
            "host": HOST,
            "sip_port": self.sip[1],
            "ami_port": self.ami_port,
            "rtp_start": _RTP.start,
            "rtp_end": _RTP.stop - 1,
        }
        texts = {name: text.format(**words) for name, text in FILES.items()}
        texts["pjsip.conf"] += phones
        texts["asterisk.conf"] = self._directories()
        texts["modules.conf"] = "[modules]\nautoload = no\n" + "".join(f"load = {m}.so\n" for m in MODULES)
        texts |= {f"sosbridge/{name}": text for name, text in pack.items()}
        for name, text in texts.items():
            (self.folder / "etc" / name).write_text(text, "utf-8")

    def _directories(self) -> str:
        """Every folder that it knows, so that none of another Asterisk is used."""
        own = dict.fromkeys(("astvarlibdir", "astdbdir", "astkeydir", "astagidir"), self.folder / "var")
        directories = own | {
            "astetcdir": self.folder / "etc",
            "astmoddir": self._modules,
            "astdatadir": self._data,
            "astspooldir": self.folder / "spool",
            "astrundir": self.folder / "run",
            "astlogdir": self.folder,
            "astcachedir": self.folder / "var",
        }
        return "[directories]\n" + "".join(f"{name} => {path}\n" for name, path in directories.items())


def _modules_of(program: Path) -> Path:
    """Return the folder of the program's modules. Raises NoAsterisk where it has not all that it takes."""
    patterns = ("lib/*/asterisk/modules", "lib/asterisk/modules", "lib64/asterisk/modules")
    found = (each for prefix in _prefixes(program) for pattern in patterns for each in prefix.glob(pattern))
    folder = next(found, None)
    if folder is None:
        where = " or ".join(f"{prefix}/lib" for prefix in _prefixes(program))
        raise NoAsterisk(f"{program}: no modules of Asterisk below {where}: name an installed program")
    if missing := [name for name in MODULES if not (folder / f"{name}.so").exists()]:
        raise NoAsterisk(
            f"{program} has no {', '.join(missing)} in {folder}: install its modules"
            " (Debian: asterisk-modules)"
        )
    return folder


def _data_of(program: Path) -> Path:
    """Return the folder that has the documentation without which its modules do not load."""
    names = ("share/asterisk", "var/lib/asterisk", "../var/lib/asterisk")
    folders = [prefix / name for prefix in _prefixes(program) for name in names]
    for folder in (*folders, Path("/var/lib/asterisk")):
        if (folder / "documentation").is_dir():
            return folder
    raise NoAsterisk(f"{program}: no documentation in {folders[0]}: its modules do not load without it")


def _prefixes(program: Path) -> Iterator[Path]:
    """Yield /usr of /usr/sbin/asterisk; where that is a link, also of what it leads to."""
    yield from dict.fromkeys(path.parent.parent for path in (program.absolute(), program.resolve()))


class _Port:
    """A port of the loopback that nobody has now, and that no other drill takes before Asterisk does.

    Whoever takes one takes its number for UDP and TCP: the kind that Asterisk does not need is kept here.
    """

    def __init__(self, kind: socket.SocketKind) -> None:
        other = socket.SOCK_STREAM if kind is socket.SOCK_DGRAM else socket.SOCK_DGRAM
        for number in random.sample(_PORTS, 100):
            guard = socket.socket(socket.AF_INET, other)
            with socket.socket(socket.AF_INET, kind) as probe:
                try:
                    guard.bind((HOST, number))
                    probe.bind((HOST, number))
                except OSError:
                    guard.close()
                    continue
            self.number = number
            self._guard = guard
            return
        raise NoAsterisk(f"no free port between {_PORTS.start} and {_PORTS.stop - 1}")

    def give_back(self) -> None:
        self._guard.close()
