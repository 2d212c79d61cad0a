"""Where the files that are not Python lie: in the repository, or inside the installed package."""

from importlib import resources
from pathlib import Path


def shared_folder(name: str) -> Path:
    """Return the folder `name` (`migrations`, `asterisk`, `examples/tank-farm`)."""
    package = Path(str(resources.files("bridge")))
    for folder in (package / "_share" / name, package.parent / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"{name} is missing from this installation: reinstall sosbridge")
