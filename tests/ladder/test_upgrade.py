"""Files of another version lie on the disk while the bridge runs: an upgrade before its restart."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.errors import ConfigError
from bridge.pack import render
from bridge.resources import shared_folder
from tests.pack.lab import FACTS


@pytest.fixture
def newer_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The pack's folder, with a word in it that this version does not know."""
    folder = tmp_path / "asterisk"
    shutil.copytree(shared_folder("asterisk"), folder)
    template = folder / "globals.conf.j2"
    template.write_text(template.read_text("utf-8") + "SOS_NEW = <<facts.of_the_next_version>>\n", "utf-8")
    monkeypatch.setattr(render, "shared_folder", lambda _name: folder)
    render._environment.cache_clear()
    yield folder
    render._environment.cache_clear()


def test_a_pack_that_cannot_be_rendered_is_a_clear_error(newer_templates: Path) -> None:
    with pytest.raises(ConfigError, match=r"globals\.conf"):
        render.pack_hash(FACTS)
