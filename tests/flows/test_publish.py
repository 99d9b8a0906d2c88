"""`invoke publish`: what was made for a tag goes where it is configured to go, once, and by nobody else's tag."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import finishing
import pytest
import shipping
from oci_jobs import STORAGE
from registries import PROGRAM, Front, fronting, registry
from releasing import refuses
from shipping import SDIST, TOKEN, WHEEL
from support import thorough

import release

if TYPE_CHECKING:
    from shipping import Shop
    from support import Project

PUBLISH = ("publish", "--yes")
BOTH = [WHEEL, SDIST]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def cloned(project: Project) -> Path:
    """Make a fresh clone, as a CI does it; what was built is not there."""
    place = project.folder / "ci"
    project.git("clone", "-q", str(project.remote), str(place), cwd=project.folder)
    return place


def test_it_is_uploaded_once_and_what_came_of_it_is_kept(tmp_path: Path, shop: Shop) -> None:
    project = shipping.tagged(tmp_path / "project", shop.at)
    ended = shipping.done(project, *PUBLISH)
    assert ended.out.splitlines() == [f"index: {name} is uploaded to {shop.at.upload}" for name in BOTH]
    assert "note: image is left out: no image.name" in ended.err
    assert ended.err.endswith("v1.0.0 is published: index\nnext: invoke release.verify 1.0.0\n")
    assert shop.names == BOTH
    place = shipping.kept(project).parent / "published.json"
    assert json.loads(place.read_text()) == {"index": {"simple": shop.at.simple}}
    again = project.invoke("publish")  # without --yes and a terminal: nothing is left to be asked about
    assert (again.code, again.out) == (0, f"index: {WHEEL} is there\nindex: {SDIST} is there\n"), again.text
    assert shop.names == BOTH


def test_it_asks_and_a_dry_run_does_not(tmp_path: Path, shop: Shop) -> None:
    project = shipping.tagged(tmp_path / "project", shop.at)
    refuses(project, "publish", code=2, says="There is no terminal to ask on")
    assert project.invoke("publish", answer="n").code == 3
    before = project.state(times=True)
    ended = shipping.done(project, "publish", "--dry-run")
    assert (len(ended.out.splitlines()), ended.err.endswith("dry run: nothing is published\n")) == (2, True)
    assert (project.state(times=True) == before, shop.names) == (True, [])
    assert project.invoke("publish", answer="y").code == 0
    assert shop.names == BOTH


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--to", "indx"), "'indx' is no publisher"),
        (("--to", "image"), "image does not take 1.0.0: no image.name"),
        (("--to", "forge"), "forge does not take 1.0.0: the remote is no repository at github.com"),
        (("--version", "2.0.0"), "there is no tag v2.0.0 here"),
        *thorough((("--version", "one"), "one")),
    ],
)
def test_what_cannot_be_meant_is_bad_input(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    refuses(shipping.tagged(tmp_path / "project"), *PUBLISH, *words, code=2, says=says)


def test_only_what_takes_this_kind_of_version_is_asked(tmp_path: Path, shop: Shop) -> None:
    with fronting(Front()) as front:
        more = f'image.name = "{front.host}/acme/demo"\nchart.registry = "{front.host}/charts"\n'
        chart = {
            "chart/Chart.yaml": "apiVersion: v2\nname: demo\nversion: 1.0.0-rc.1\n",
            "Containerfile": "FROM scratch\n",
        }
        files = {**chart, "VERSION": "1.0.0rc1\n"}
        project = shipping.tagged(tmp_path / "project", shop.at, more, files)
        ended = shipping.done(project, *PUBLISH)
        assert (front.asked, len(shop.names)) == ([], 2)
        assert "note: image is left out: publish.image does not take rc" in ended.err
        assert "note: chart is left out: publish.chart does not take rc" in ended.err
        refuses(project, *PUBLISH, "--to", "image", code=2, says="image does not take 1.0.0rc1")
        assert front.asked == []
        project.commit(
            "chore: 1.0.0", {"VERSION": "1.0.0\n", "chart/Chart.yaml": chart["chart/Chart.yaml"].replace("-rc.1", "")}
        )
        shipping.done(project, "tag", "--push", "--yes")
        project.invoke("publish", "--dry-run")
        assert front.asked


def test_a_tag_that_nobody_else_has_is_not_published(tmp_path: Path, shop: Shop) -> None:
    project = shipping.tagged(tmp_path / "project", shop.at, push=False)
    said = refuses(project, *PUBLISH, says="the tag v1.0.0 is not at origin")
    project.typed(said.splitlines()[1].strip())
    shipping.done(project, *PUBLISH)


def test_a_tag_that_was_replaced_is_not_published(tmp_path: Path, shop: Shop) -> None:
    project = shipping.tagged(tmp_path / "project", shop.at)
    project.git("tag", "-f", "-a", "v1.0.0", "-m", "again")
    refuses(project, *PUBLISH, says="the tag v1.0.0 is another one at origin")
    project.git("push", "-q", "-f", "origin", "v1.0.0")
    refuses(project, *PUBLISH, says="do not publish before you know why")
    project.git("update-ref", "refs/tags/v2.0.0", project.git("rev-parse", "v1.0.0"))
    refuses(project, *PUBLISH, "--version", "2.0.0", says="the tag v2.0.0 holds the tag object of 'v1.0.0'")
    assert shop.names == []


def test_a_tag_without_the_signature_that_is_wanted_is_not_published(tmp_path: Path) -> None:
    project = shipping.untagged(tmp_path / "project", more="sign = true\n")
    project.git("tag", "-a", "v1.0.0", "-m", "by hand")
    project.git("push", "-q", "origin", "v1.0.0")
    assert "v1.0.0" in refuses(project, *PUBLISH)


@pytest.mark.thorough
@pytest.mark.skipif(PROGRAM is None or shutil.which("buildah") is None, reason="needs docker-registry and buildah")
def test_a_final_version_goes_to_the_registry(tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in STORAGE.items():
        monkeypatch.setenv(name, value)
    with registry(tmp_path / "registry") as host:
        more = f'image.name = "{host}/acme/demo"\n'
        project = shipping.tagged(tmp_path / "project", shop.at, more, {"Containerfile": "FROM scratch\nCOPY . /app\n"})
        ended = shipping.done(project, *PUBLISH)
        assert ended.err.endswith("v1.0.0 is published: index, image\nnext: invoke release.verify 1.0.0\n")
        known = json.loads((shipping.kept(project).parent / "published.json").read_text())
        assert known["image"]["digest"].startswith("sha256:")
        assert project.invoke("publish").code == 0
        assert f"checked       image {host}/acme/demo:1.0.0" in shipping.done(project, "release.verify", "1.0.0").out


def test_what_came_along_in_dist_is_taken_and_not_built_again(tmp_path: Path, shop: Shop) -> None:
    project = shipping.tagged(tmp_path / "project", shop.at)
    place = cloned(project)
    shutil.copytree(shipping.kept(project), place / "dist")
    ended = project.invoke(*PUBLISH, cwd=place)
    assert ended.code == 0, ended.text
    assert "v1.0.0: taken as it came in dist/" in ended.err
    assert not (place / ".git/release/artifacts").exists()
    made = contents(shipping.kept(project))
    assert contents(place / ".git/release/releases/v1.0.0/files") == made
    assert contents(shop.folder) == {name: made[name] for name in BOTH}


@pytest.mark.parametrize("name", [WHEEL, *thorough("release.json", "SHA256SUMS")])
def test_what_came_along_and_was_changed_stops_it(tmp_path: Path, shop: Shop, name: str) -> None:
    project = shipping.tagged(tmp_path / "project", shop.at)
    place = cloned(project)
    shutil.copytree(shipping.kept(project), place / "dist")
    with (place / "dist" / name).open("ab") as file:
        file.write(b" ")
    ended = project.invoke(*PUBLISH, cwd=place)
    assert (ended.code, f"dist/{name}" in ended.err, shop.names) == (3, True, []), ended.text
    assert not (place / ".git/release/releases").exists()


def test_without_it_the_same_is_built_again(tmp_path: Path, shop: Shop) -> None:
    project = shipping.tagged(tmp_path / "project", shop.at)
    place = cloned(project)
    dry = project.invoke("publish", "--dry-run", cwd=place)
    assert (dry.code, "v1.0.0 is not built yet" in dry.err) == (0, True), dry.text
    assert project.invoke(*PUBLISH, cwd=place).code == 0
    assert contents(place / ".git/release/releases/v1.0.0/files") == contents(shipping.kept(project))


def test_what_lies_in_dist_and_is_of_nobody_stops_it(tmp_path: Path, shop: Shop) -> None:
    project = shipping.tagged(tmp_path / "project", shop.at)
    project.write("dist/demo-0.9.0.tar.gz", "x")
    refuses(project, *PUBLISH, says="left there: demo-0.9.0.tar.gz")
    assert shop.names == []


@pytest.mark.thorough
def test_what_was_not_kept_when_it_was_tagged_is_kept_now(tmp_path: Path, shop: Shop) -> None:
    project = shipping.tagged(tmp_path / "project", shop.at)
    gated = shipping.digests(shipping.kept(project))
    shutil.rmtree(shipping.kept(project))
    dry = shipping.done(project, "publish", "--dry-run")
    assert "v1.0.0 is not built yet" in dry.err
    assert not shipping.kept(project).exists()
    ended = shipping.done(project, *PUBLISH)
    assert "distributions: built already" in ended.err
    assert shipping.digests(shipping.kept(project)) == gated
    assert shop.names == BOTH


def test_another_task_in_progress_comes_first(tmp_path: Path) -> None:
    project = finishing.conflict_in_main(tmp_path / "project")
    finishing.stopped(project)
    for words in (("publish", "--version", "0.9.0", "--yes"), ("build",)):
        finishing.refuses(project, *words, says="release.resume")


# Ends after the nth of what changes something: an upload, and the note of it.
KILLED = """\
import os, sys
sys.path[:0] = [{path!r}]
left = {at}
def killing(call):
    def run(*words, **more):
        global left
        found = call(*words, **more)
        left -= 1
        if left == 0:
            os._exit(9)
        return found
    return run
from release.artifacts import bundle
from release.artifacts.publish import index
index._uploaded, bundle.note = killing(index._uploaded), killing(bundle.note)
from invoke.program import Program
from release.tasks import collection
Program(namespace=collection()).run(["invoke", "publish", "--yes"])
"""


@pytest.mark.parametrize("at", [1, *thorough(2, 3)])
def test_a_kill_after_any_upload_is_gone_on_from(tmp_path: Path, shop: Shop, at: int) -> None:
    project = shipping.tagged(tmp_path / "project", shop.at)
    code = KILLED.format(path=str(Path(release.__file__).parents[1]), at=at)
    ended = subprocess.run([sys.executable, "-c", code], cwd=project.path, capture_output=True, text=True, check=False)
    assert (ended.returncode, len(shop.names)) == (9, min(at, 2)), ended.stderr
    shipping.done(project, *PUBLISH)
    assert shop.names == BOTH
    assert json.loads((shipping.kept(project).parent / "published.json").read_text())["index"]
    assert project.invoke("publish").code == 0


TWINE = """\
import sys, pathlib, os
with open(os.environ["HOME"] + "/argv", "a") as file:
    file.write(" ".join(sys.orig_argv) + "\\n")
"""


def test_the_token_stands_nowhere(tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    project = shipping.tagged(tmp_path / "project", shop.at)
    monkeypatch.setenv("UV_PUBLISH_TOKEN", "uv-t0ken")
    monkeypatch.setenv("RELEASE_SOMETHING", "s3cret")
    watch = tmp_path / "watch"
    watch.mkdir()
    (watch / "sitecustomize.py").write_text(TWINE)
    monkeypatch.setenv("PYTHONPATH", str(watch))
    ended = shipping.done(project, *PUBLISH)
    argv = (Path(os.environ["HOME"]) / "argv").read_text()
    assert "twine upload" in argv
    written = [
        path.read_bytes() for path in [*tmp_path.rglob("*"), *Path(os.environ["HOME"]).rglob("*")] if path.is_file()
    ]
    for secret in (TOKEN, "uv-t0ken"):
        assert secret not in ended.text + argv
        assert not any(secret.encode() in data for data in written)


def test_without_a_login_it_says_how_to_set_one(tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    project = shipping.tagged(tmp_path / "project", shop.at)
    monkeypatch.delenv("TWINE_USERNAME")
    monkeypatch.delenv("TWINE_PASSWORD")
    ended = project.invoke(*PUBLISH)
    assert (ended.code, shop.names) == (2, []), ended.text
    assert "set TWINE_USERNAME=__token__ and TWINE_PASSWORD" in ended.err


@pytest.mark.thorough
def test_what_goes_nowhere_says_so(tmp_path: Path) -> None:
    ended = shipping.done(shipping.tagged(tmp_path / "project", more="publish.index = []\n"), *PUBLISH)
    assert "v1.0.0 goes nowhere: no publisher takes it and is configured" in ended.err
