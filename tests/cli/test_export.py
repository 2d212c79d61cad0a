"""`sosbridge export`: what it prints, `sosbridge import` takes back."""

from __future__ import annotations

from pathlib import Path

import yaml

from bridge.config import load
from bridge.config.document import parse
from bridge.resources import shared_folder
from tests.cli.test_import import phones, run, sections

EXAMPLE = shared_folder("examples/tank-farm") / "site.yaml"


def test_phones_go_out_and_come_back(tmp_path: Path) -> None:
    exported = run("export", "phones", EXAMPLE)
    assert exported.exit_code == 0, exported.output
    heading = exported.stdout.splitlines()[0]
    assert heading == "id,endpoint,extension,location,spoken,shared,kind,callback,announce,language,segment"
    found = sections(phones(tmp_path / "none.yaml", exported.stdout))
    file = load(EXAMPLE, secrets=False).file
    assert set(found["phones"]) == set(file.phones)
    for phone_id, phone in file.phones.items():
        assert type(phone).model_validate(found["phones"][phone_id]) == phone
    assert {tag: place["spoken"] for tag, place in found["locations"].items()} == {
        tag: place.spoken for tag, place in file.locations.items()
    }


def test_cameras_go_out_and_come_back(tmp_path: Path) -> None:
    exported = run("export", "cameras", EXAMPLE)
    assert exported.exit_code == 0, exported.output
    path, config = tmp_path / "cameras.csv", tmp_path / "site.yaml"
    path.write_text(exported.stdout)
    example = parse(EXAMPLE.read_text(), "example").value
    gone = ("cameras", "locations", "phones")
    config.write_text(yaml.safe_dump({name: each for name, each in example.items() if name not in gone}))
    found = sections(run("import", "cameras", config, path))["cameras"]
    file = load(EXAMPLE, secrets=False).file
    assert set(found) == set(file.cameras)
    for tag, camera in file.cameras.items():
        again = type(camera).model_validate(found[tag])
        assert (again.presets, dict(again.ids)) == (camera.presets, dict(camera.ids))
