"""What images and charts are made of: the committed files, the same on every machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from oci_jobs import FILES, job, released
from support import EPOCH

from release.artifacts.publish import exported

if TYPE_CHECKING:
    from pathlib import Path


def test_an_export_holds_what_is_committed_and_nothing_of_this_machine(tmp_path: Path) -> None:
    project = released(tmp_path / "project", {**FILES, ".gitattributes": "*.txt text\n"})
    project.git("checkout", "-q", "--", "app.txt")
    project.write("run.sh", "#!/bin/sh\n")
    (project.path / "run.sh").chmod(0o700)
    (project.path / "to-file").symlink_to("app.txt")
    (project.path / "to-folder").symlink_to("chart")
    (project.path / "to-nothing").symlink_to("/nowhere")
    (project.path / "untracked.txt").unlink()
    project.commit("feat: more")
    project.write("untracked.txt", "x\n")
    one = job(project, "")
    before = os.umask(0o077)
    try:
        root = exported.exported(one, "a test")
    finally:
        os.umask(before)
    found = {str(place.relative_to(root)): place for place in root.rglob("*")}
    files = {name for name, place in found.items() if not place.is_dir() or place.is_symlink()}
    assert files == {*FILES, ".gitattributes", "run.sh", "to-file", "to-folder", "to-nothing"}
    assert {place.lstat().st_mtime for place in (root, *found.values())} == {EPOCH}
    modes = {name: place.lstat().st_mode & 0o777 for name, place in found.items() if not place.is_symlink()}
    assert modes["run.sh"] == modes["chart"] == 0o755
    assert modes["app.txt"] == modes["chart/Chart.yaml"] == 0o644
    assert str(found["to-nothing"].readlink()) == "/nowhere"
    assert set(exported.paths(one)) == {*FILES, ".gitattributes", "run.sh"}
    assert exported.content(one, "app.txt") == b"app\n"
