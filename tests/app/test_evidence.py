"""What a whole incident leaves: evidence that is sound, decides again the same, and survives a restore."""

from __future__ import annotations

from pathlib import Path

from tests.app.plant import Call
from tests.app.scene import Scene, settled
from tests.app.story import play


def test_a_backup_of_a_working_bridge_is_restored(scene: Scene, tmp_path: Path) -> None:
    scene.start()
    play(scene)
    kept = scene.incident()
    copy = tmp_path / "copy.sqlite3"
    made = scene.sosbridge("db", "backup", str(copy))
    assert made.exit_code == 0, made.output
    again = scene.sosbridge("replay", "--journal")
    assert (again.exit_code, again.output.endswith("1 incident: the same decisions\n")) == (0, True), (
        again.output
    )

    call = Call(scene.plant)
    call.press()  # is not in the copy, and lives
    scene.until(lambda: len(scene.incidents()) == 2, "opened")
    scene.kill()
    scene.store.close()
    for end in ("", "-wal", "-shm"):
        (scene.folder / f"sosbridge.sqlite3{end}").unlink(missing_ok=True)
    copy.rename(scene.folder / "sosbridge.sqlite3")
    scene.start()
    scene.until(lambda: len(scene.incidents()) == 2, "found again")
    found, before = scene.incidents()
    assert (found["recovered"], before["id"], before["timeline"]) == (True, kept["id"], kept["timeline"])
    scene.until(lambda: settled(scene.incidents()[0]), "settled")
    verified = scene.sosbridge("db", "verify")
    assert verified.exit_code == 0, verified.output
