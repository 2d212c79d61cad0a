"""`sosbridge import`: lists and a VMS's own inventory in, text for the site file out."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bridge.cli import main
from bridge.config import load, load_text
from bridge.config.document import parse
from bridge.config.instances import DRIVERS, module_of
from bridge.errors import Retryable
from bridge.model import Inventory, VmsCamera, VmsConsole
from tests.config.conftest import plugins

__all__ = ["plugins"]  # the fixture, used below by its name

SITE = """\
# The plant. This comment stays.
site: {name: Plant, timezone: UTC}
alarm: {extensions: ["9110"]}
vms:
  - {name: zm, type: recorder, host: zm.example}   # so does this one

phones:
    P-01: {endpoint: p1, extension: 0101, location: POST-1}   # by the gate

    # the last one
    P-02:
        endpoint: p2
        extension: "102"
        location: POST-1

# places
locations:
  POST-1: {spoken: post one, cameras: [GATE]}
cameras:
  GATE: {zm: 1}
consoles:
  desk: {zm: screen-1}
"""
HEADINGS = "id,endpoint,extension,location,spoken"
ROW = "P-03,p3,0103,POST-2,Post two"
CSV = f"{HEADINGS}\n{ROW}\n"


@pytest.fixture
def site_file(tmp_path: Path, plugins: None) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text(SITE)
    return path


def run(command: str, kind: str, config: Path, *arguments: str | Path) -> Result:
    return CliRunner(env={}).invoke(main, [command, kind, "-c", str(config), *map(str, arguments)])


def phones(config: Path, content: str | bytes, *more: str) -> Result:
    """Import phones from a list with this content."""
    path = config.with_name("phones.csv")
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return run("import", "phones", config, path, *more)


def sections(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    return parse(result.stdout, "printed").value


def told(result: Result, file: Path) -> list[str]:
    """The lines of a refusal, without the file's name."""
    assert (result.exit_code, result.stdout) == (2, "")
    return [line.removeprefix(f"{file}:") for line in result.stderr.splitlines()]


# --- phones -----------------------------------------------------------------------------------------


def test_what_is_new_is_marked_and_what_is_there_stays(site_file: Path) -> None:
    result = phones(site_file, CSV + "P-01,other,999,POST-1,\n")
    assert result.stdout.splitlines() == [
        "phones:",
        "  P-01: {endpoint: p1, extension: '0101', location: POST-1}",
        "  P-02: {endpoint: p2, extension: '102', location: POST-1}",
        "  P-03: {endpoint: p3, extension: '0103', location: POST-2}  # new",
        "",
        "locations:",
        "  POST-2: {spoken: Post two}  # new: it needs cameras",
    ]
    assert result.stderr == "new: 1 phone, 1 location\n"


@pytest.mark.parametrize(
    "content",
    [
        CSV.encode("utf-8-sig"),
        CSV.replace(",", ";").encode(),
        CSV.replace(",", "\t").encode("utf-16"),
        CSV.replace("\n", "\r\n").encode(),
        f"ID , Endpoint,EXTENSION,location,Spoken\n,,,,\n\n{ROW}".encode(),
        CSV.replace("Post two", '"Post two"').encode(),
    ],
    ids=["byte order mark", "semicolons", "tabs in UTF-16", "Windows", "headings and blanks", "quotes"],
)
def test_every_spreadsheet_writes_it_differently(site_file: Path, content: bytes) -> None:
    found = sections(phones(site_file, content))
    assert found["phones"]["P-03"] == {"endpoint": "p3", "extension": "0103", "location": "POST-2"}
    assert found["locations"] == {"POST-2": {"spoken": "Post two"}}


def test_a_list_that_is_not_utf8_is_western(site_file: Path) -> None:
    content = CSV.replace("Post two", "Tür Ost").encode("cp1252")
    assert sections(phones(site_file, content))["locations"] == {"POST-2": {"spoken": "Tür Ost"}}


def test_every_bad_row_is_named_with_its_line(site_file: Path) -> None:
    lines = [
        "id,endpoint,extension,location,spoken,callback,announce,language",
        "P-03,p3,103,POST-2,Post two,,off,de",
        "P 04,p4,104,POST-2,,maybe,,",
        ",p5,105,POST-2,Post 2,,,German",
        "P-03,p6,103,,,,perhaps,",
    ]
    file = site_file.with_name("phones.csv")
    assert told(phones(site_file, "\n".join(lines)), file) == [
        "3: callback: must be one of: auto_answer, ring, never",
        "3: id: must be a name of letters (A-Z), digits, `-`, `_` and `.`, at most 64 characters",
        "4: id: is missing",
        "4: language: must be a language such as `en`, `de` or `pt-BR`, at most 35 characters",
        "4: spoken: line 2 says this location differently",
        "5: announce: must be true or false",
        "5: extension: `103` stands in line 2 already",
        "5: id: `P-03` stands in line 2 already",
        "5: location: is missing: Tag of the location where it hangs",
    ]
    wide = [*lines[:2], "P-07,p7,107,POST-2,,,,,,extra"]
    assert told(phones(site_file, "\n".join(wide)), file) == ["3: has 10 cells, the first line has 8"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"id,endpoint,extention,location\n", "1: unknown column `extention`, did you mean `extension`?"),
        (b"id,id,endpoint,extension,location\n", "1: column `id` stands twice"),
        (b"id,endpoint,extension,location\n", " holds no rows below its headings"),
        (b"", " holds no rows below its headings"),
        (b'id,endpoint,extension,location\n"P-1"x,2,3,4\n', "2: is no CSV: "),
        (b"\x00\x01\x02\x81", " is no text (UTF-8, UTF-16 or Windows-1252)"),
    ],
    ids=["column unknown", "column twice", "headings alone", "empty", "quotes", "binary"],
)
def test_what_is_no_list_of_phones(site_file: Path, content: bytes, words: str) -> None:
    assert told(phones(site_file, content), site_file.with_name("phones.csv"))[0].startswith(words)


def test_without_a_site_file_everything_is_new(tmp_path: Path) -> None:
    assert list(sections(phones(tmp_path / "none.yaml", CSV))) == ["phones", "locations"]
    refused = phones(tmp_path / "none.yaml", CSV, "--merge")
    assert refused.exit_code == 2
    assert "none.yaml: is not there" in refused.stderr


# --- into the site file -----------------------------------------------------------------------------


def test_merging_adds_lines_and_changes_none(site_file: Path) -> None:
    result = phones(site_file, CSV, "--merge", "--output", str(site_file))
    assert (result.exit_code, result.stdout) == (0, "")
    before, after = SITE.splitlines(), site_file.read_text().splitlines()
    added = [line for line in after if line not in before]
    assert added == [
        "    P-03: {endpoint: p3, extension: '0103', location: POST-2}  # new",
        "  POST-2: {spoken: Post two}  # new: it needs cameras",
    ]
    assert [line for line in after if line not in added] == before
    assert after.index(added[0]) == after.index("        location: POST-1") + 1
    phone = load(site_file, secrets=False).file.phones["P-03"]
    assert (phone.endpoint, phone.extension) == ("p3", "0103")
    again = phones(site_file, CSV, "--merge")
    assert (again.stdout, again.stderr) == (site_file.read_text(), "new: 0 phones\n")


def test_a_section_that_is_not_there_comes_at_the_end(site_file: Path) -> None:
    start, end = SITE.index("phones:"), SITE.index("# places")
    site_file.write_text(SITE[:start] + SITE[end:])
    merged = phones(site_file, CSV, "--merge").stdout
    assert merged.endswith(
        "\n\nphones:\n  P-03: {endpoint: p3, extension: '0103', location: POST-2}  # new\n"
    )


@pytest.mark.parametrize("section", ["phones: {}", "phones: {P-01: {endpoint: p1}}"])
def test_what_cannot_be_merged_is_printed_for_a_person(site_file: Path, section: str) -> None:
    text = f"site: {{name: Plant, timezone: UTC}}\n{section}\n"
    site_file.write_text(text)
    result = phones(site_file, CSV, "--merge", "--output", str(site_file))
    assert (result.exit_code, site_file.read_text()) == (2, text)
    assert "`phones` stands there in a form that no line can be added to" in result.stderr
    assert "  P-03: {endpoint: p3, extension: '0103', location: POST-2}  # new" in result.stderr


def test_no_file_is_written_over_by_sections_alone(site_file: Path) -> None:
    result = phones(site_file, CSV, "--output", str(site_file))
    assert (result.exit_code, site_file.read_text()) == (2, SITE)
    assert "is there already; --merge puts the entries into the site file" in result.stderr
    path = site_file.with_name("new.yaml")
    assert phones(site_file, CSV, "--output", str(path)).exit_code == 0
    assert "P-03" in path.read_text()


# --- cameras ----------------------------------------------------------------------------------------


@pytest.fixture
def recorder(site_file: Path) -> ModuleType:
    module = module_of(DRIVERS, "recorder")
    assert module is not None
    return module


STOCK = Inventory(
    cameras=(
        VmsCamera(id="1", name="The gate"),
        VmsCamera(id="2", name="Jetty: nörd #2", ptz=True, presets={"7": "Pump 1", "8": "Pump/1"}),
        VmsCamera(id="3", name="カメラ\n  evil: yes"),
        VmsCamera(id="4", name="GATE"),
    ),
    consoles=(VmsConsole(id="screen-1", name="Desk"), VmsConsole(id="screen-2", name="Shift lead")),
)


def test_cameras_presets_and_consoles_of_a_vms(site_file: Path, recorder: ModuleType) -> None:
    async def stock(driver: Any) -> Inventory:
        return STOCK

    recorder.STOCKS["zm.example"] = stock
    recorder.CLOSED.clear()
    result = run("import", "cameras", site_file, "--from", "zm")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "cameras:",
        "  GATE: {zm: '1'}",
        "  Jetty-nord-2: {zm: '2', presets: {Pump-1: '7', Pump-1-2: '8'}}  # new: Jetty: nörd #2, PTZ",
        "  evil-yes: {zm: '3'}  # new: カメラ\\u000a  evil: yes",
        "  GATE-2: {zm: '4'}  # new: GATE",
        "",
        "consoles:",
        "  desk: {zm: screen-1}",
        "  Shift-lead: {zm: screen-2}  # new: Shift lead",
    ]
    assert recorder.CLOSED == ["zm"]
    merged = run("import", "cameras", site_file, "--from", "zm", "--merge").stdout
    presets = load_text(merged, secrets=False).file.cameras["Jetty-nord-2"].presets
    assert presets == {"Pump-1": "7", "Pump-1-2": "8"}
    assert merged.startswith("# The plant. This comment stays.")


def test_a_vms_that_does_not_answer(site_file: Path, recorder: ModuleType) -> None:
    async def away(driver: Any) -> Inventory:
        raise Retryable("zm: connection refused")

    recorder.STOCKS["zm.example"] = away
    result = run("import", "cameras", site_file, "--from", "zm")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", "zm: connection refused\n")


def test_a_vms_that_cannot_be_asked_or_is_not_there(
    site_file: Path, recorder: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(recorder.Driver, "inventory")
    result = run("import", "cameras", site_file, "--from", "zm")
    assert result.exit_code == 1
    assert result.stderr == "zm: a VMS of type `recorder` cannot be asked what it has\n"
    result = run("import", "cameras", site_file, "--from", "zn")
    assert result.exit_code == 2
    assert "--from: unknown VMS `zn`; allowed: zm" in result.stderr
    assert "--from NAME, or a file" in run("import", "cameras", site_file).stderr


def test_bad_rows_of_cameras(site_file: Path) -> None:
    path = site_file.with_name("cameras.csv")
    path.write_text('tag,zn,presets\nC-1,2,"{gate: 7}"\nC 2,,[\nC-1,,gate\n')
    assert told(run("import", "cameras", site_file, path), path) == [
        "2: unknown VMS `zn`; allowed: zm",
        "3: presets: must be names and values, such as `{gate: 7, pump: 9}`",
        "3: tag: must be a name of letters (A-Z), digits, `-`, `_` and `.`",
        "4: presets: must be names and values, such as `{gate: 7, pump: 9}`",
        "4: tag: stands in line 2 already",
    ]
