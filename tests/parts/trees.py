"""Where the Debian trees with the real PBXs and the real VMS lie, and how to build them.

Run without the virtual environment by `make asterisk-tree` and `make zoneminder-tree`
(`python3 tests/parts/trees.py asterisk|zoneminder`); imported by the other parts for the paths.

A tree is built beside its place and renamed when complete, so that a broken build is never used. The
stamp file inside says that it is complete.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

STAMP: Final = ".sosbridge-complete"
MIRROR: Final = os.environ.get("SOSBRIDGE_DEBIAN_MIRROR", "http://deb.debian.org/debian")
ASTERISK_PACKAGES: Final = ("asterisk", "asterisk-modules", "asterisk-core-sounds-en-gsm")


@dataclass(frozen=True)
class Tree:
    """One Debian system in a folder, holding the program that some tests run.

    witnesses: files that only a complete tree has; they also let a tree that was built by hand be used.
    needs_root: the packages' own install scripts must run, so there is no way to build it as a user.
    """

    name: str
    suite: str
    packages: tuple[str, ...]
    witnesses: tuple[str, ...]
    target: str
    needs_root: bool = False

    @property
    def path(self) -> Path:
        return cache_folder() / self.name

    @property
    def present(self) -> bool:
        return (self.path / STAMP).exists()


ASTERISK_22: Final = Tree(
    "asterisk-22",
    "sid",
    ASTERISK_PACKAGES,
    ("usr/sbin/asterisk", "usr/share/asterisk/sounds/en_US_f_Allison/digits/1.gsm"),
    "make asterisk-tree",
)
ASTERISK_16: Final = Tree(
    "asterisk-16",
    "bullseye",
    ASTERISK_PACKAGES,
    ("usr/sbin/asterisk", "usr/share/asterisk/sounds/en_US_f_Allison/digits/1.gsm"),
    "make asterisk-tree",
)
ZONEMINDER: Final = Tree(
    "zoneminder",
    "bookworm",
    (
        *("ca-certificates", "zoneminder", "mariadb-server", "apache2", "libapache2-mod-php", "php-mysql"),
        *("php-gd", "php-intl", "php-apcu", "libdatetime-perl", "ffmpeg", "curl", "procps", "iproute2"),
    ),
    (
        "usr/bin/zmc",
        "usr/bin/zmpkg.pl",
        "usr/sbin/mariadbd",
        "usr/sbin/apache2",
        "usr/share/doc/libdatetime-perl",
    ),
    "make zoneminder-tree",
    needs_root=True,
)
TARGETS: Final = {"asterisk": (ASTERISK_22, ASTERISK_16), "zoneminder": (ZONEMINDER,)}


class BuildError(Exception):
    """A tree cannot be built. The text says what to do."""


def cache_folder() -> Path:
    """Return the folder of the trees: $SOSBRIDGE_CACHE, else sosbridge/ in the user's cache."""
    if own := os.environ.get("SOSBRIDGE_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sosbridge"


def build(tree: Tree) -> None:
    """Build the tree unless it is there. Raises BuildError."""
    if tree.present:
        _say(f"{tree.name}: already in {tree.path}")
        return
    if _looks_complete(tree.path, tree):
        (tree.path / STAMP).touch()
        _say(f"{tree.name}: found complete in {tree.path}")
        return
    is_root = os.geteuid() == 0
    if tree.needs_root and not is_root:
        raise BuildError(f"{tree.name} can only be built by root (its packages' install scripts must run)")
    _require_mmdebstrap(is_root)
    tree.path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = tree.path.with_name(f"{tree.name}.building-{os.getpid()}")
    try:
        _build_in(unfinished, tree, is_root)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _build_in(folder: Path, tree: Tree, is_root: bool) -> None:
    _say(f"{tree.name}: building from {MIRROR} {tree.suite} ...")
    started = time.monotonic()
    outcome = subprocess.run(_mmdebstrap(tree, folder, is_root), check=False)
    if outcome.returncode or not _looks_complete(folder, tree):
        raise BuildError(f"{tree.name}: mmdebstrap failed (its messages are above); is {MIRROR} reachable?")
    (folder / STAMP).touch()
    if tree.path.exists():
        shutil.rmtree(tree.path)
    folder.rename(tree.path)
    _say(f"{tree.name}: built in {time.monotonic() - started:.0f} s, {tree.path}")


def _mmdebstrap(tree: Tree, folder: Path, is_root: bool) -> list[str]:
    # sid's and old suites' Release files may be past their date; nothing here is exposed to anybody.
    how = ["--variant=apt"] if is_root else ["--mode=chrootless", "--variant=extract"]
    return [
        *("mmdebstrap", "--quiet", '--aptopt=Acquire::Check-Valid-Until "false"', *how),
        *(f"--include={','.join(tree.packages)}", tree.suite, str(folder), MIRROR),
    ]


def _require_mmdebstrap(is_root: bool) -> None:
    if shutil.which("mmdebstrap"):
        return
    if not is_root:
        raise BuildError("mmdebstrap is missing; as root: apt-get install mmdebstrap")
    _say("installing mmdebstrap ...")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-qq", "--no-install-recommends", "mmdebstrap"]
    if subprocess.run(install, env=environment, check=False).returncode:
        raise BuildError("apt-get could not install mmdebstrap; run apt-get update and try again")


def _looks_complete(folder: Path, tree: Tree) -> bool:
    return all((folder / witness).exists() for witness in tree.witnesses)


def _say(line: str) -> None:
    print(line, flush=True)


def main(arguments: list[str]) -> int:
    """Build the trees of one make target. Returns the exit code."""
    trees = TARGETS.get(arguments[0]) if len(arguments) == 1 else None
    if trees is None:
        _say(f"usage: python3 tests/parts/trees.py {'|'.join(TARGETS)}")
        return 2
    try:
        for tree in trees:
            build(tree)
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
