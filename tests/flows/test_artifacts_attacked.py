"""What lies in dist/, at an index or below the git folder is judged, whoever has put it there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from typing import TYPE_CHECKING, Any

import pytest
from distributing import PROJECT, PYPROJECT
from registries import Front, Reply, fronting
from releasing import done, refuses, trunk
from signing import NAME, needs_ssh, new_key
from support import copied, thorough

from release.artifacts import loopback
from release.config import Index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support import Project

SETTINGS = '[tool.release.index]\nupload = "{}"\nsimple = "{}"\n[tool.release]\ngates = []\n'
CHANGELOG = "# Changelog\n\n## [1.0.0] - 2024-01-02\n\n### Added\n- all\n"
IGNORED = "dist/\n__pycache__/\n"
KEPT = ".git/release/releases"
ONLY_INDEX = 'publish = {index = ["ga"]}\n'
PUBLISH = ("publish", "--yes", "--to", "index")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Index]]:
    """Serve an index to all tests here: its address stands in the commits of a project that they have copies of."""
    folder = tmp_path_factory.mktemp("index")
    with loopback.index(folder) as index:
        yield folder, index


@pytest.fixture
def store(served: tuple[Path, Index]) -> Iterator[Path]:
    """Return the folder of what was uploaded to that index, empty."""
    yield served[0]
    for path in served[0].iterdir():
        path.unlink()


@pytest.fixture
def released(tmp_path: Path, store: Path, served: tuple[Path, Index], monkeypatch: pytest.MonkeyPatch) -> Project:
    """Return a project whose v1.0.0 is tagged, pushed, and built into dist/."""
    assert not list(store.iterdir())
    monkeypatch.setenv("TWINE_USERNAME", "somebody")
    monkeypatch.setenv("TWINE_PASSWORD", "pa55word")
    return copied(tmp_path / "project", f"attacked {served[1]}", lambda folder: built(folder, served[1]))


def built(folder: Path, index: Index) -> None:
    done(tagged(folder, index).invoke("build"))


def tagged(folder: Path, index: Index | None, table: str = PYPROJECT, more: str = "") -> Project:
    settings = "[tool.release]\ngates = []\n" if index is None else SETTINGS.format(index.upload, index.simple)
    files = {**PROJECT, "CHANGELOG.md": CHANGELOG, ".gitignore": IGNORED, "tasks.py": "from release import ns\n"}
    project = trunk(folder, {**files, "pyproject.toml": f"{table}{settings}{more}"}, tag="")
    done(project.invoke("tag", "--push", "--yes"))
    return project


def signing_for_all(folder: Path, name: str = "signing") -> None:
    """Let git sign with a new SSH key everywhere."""
    key = folder / name
    (folder / "allowed").write_text(f"{NAME} {new_key(key)}")
    for setting, value in (
        ("gpg.format", "ssh"),
        ("user.signingKey", key),
        ("gpg.ssh.allowedSignersFile", folder / "allowed"),
    ):
        subprocess.run(["git", "config", "--global", setting, str(value)], check=True)


def arrived(store: Path) -> list[str]:
    return sorted(path.name for path in store.iterdir())


def forget(project: Project) -> None:
    """Leave only what lies in dist/, as where the files of a release came along."""
    shutil.rmtree(project.path / ".git" / "release" / "releases")


def forged(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the record in a folder, and make SHA256SUMS agree with all that lies there."""
    facts = json.loads((folder / "release.json").read_bytes())
    change(facts)
    (folder / "release.json").write_text(json.dumps(facts))
    paths = [path for path in sorted(folder.iterdir()) if path.name != "SHA256SUMS"]
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in paths]
    (folder / "SHA256SUMS").write_text("".join(lines))


def test_what_came_along_in_dist_is_published_as_it_is(released: Project, store: Path) -> None:
    before = {path.name: path.read_bytes() for path in (released.path / "dist").iterdir()}
    forget(released)
    shutil.rmtree(released.path / ".git" / "release" / "artifacts")
    said = done(released.invoke(*PUBLISH), "v1.0.0: taken as it came in dist/")
    assert "building" not in said
    kept = released.path / ".git/release/releases/v1.0.0/files"
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == before
    assert arrived(store) == ["demo-1.0.0-py3-none-any.whl", "demo-1.0.0.tar.gz"]
    done(released.invoke(*PUBLISH), "demo-1.0.0.tar.gz is there")


@pytest.mark.parametrize(("there", "code"), [("evil", 3), ("acme", 0)])
def test_a_record_of_another_repository_is_refused(released: Project, there: str, code: int) -> None:
    forget(released)
    forged(released.path / "dist", lambda facts: facts.update(repository=f"https://github.com/{there}/demo.git"))
    released.git("remote", "set-url", "origin", "git@github.com:acme/demo.git")
    ended = released.invoke("build")
    assert ended.code == code, ended.text
    assert ("and this is github.com/acme/demo" in ended.err) == bool(code)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("version", "2.0.0", "it is of 2.0.0, and v1.0.0 of 1.0.0"),
        ("version", "1.0.0rc1", "it is of 1.0.0rc1, and v1.0.0 of 1.0.0"),
        ("project", "other", "it is of the project other, and this is demo"),
        ("project", "\ud800", "it is of the project"),
    ],
)
def test_a_record_of_another_release_is_refused(
    released: Project, store: Path, field: str, value: str, says: str
) -> None:
    forget(released)
    forged(released.path / "dist", lambda facts: facts.update({field: value}))
    refuses(released, *PUBLISH, says=says)
    assert arrived(store) == []


def test_a_distribution_of_another_project_is_not_published_with_a_release(released: Project, store: Path) -> None:
    forget(released)
    (released.path / "dist/other-9.tar.gz").write_bytes(b"x")
    added = {"name": "other-9.tar.gz", "size": 1, "sha256": hashlib.sha256(b"x").hexdigest()}
    forged(released.path / "dist", lambda facts: facts["files"].append(added))
    says = refuses(released, *PUBLISH, says="other-9.tar.gz is of version 9, and VERSION is 1.0.0")
    assert "other-9.tar.gz is of other, and the project is demo" in says
    assert arrived(store) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda facts: facts["files"][0].update(size=float("inf")),
        lambda facts: facts["files"][0].update(size=-1),
        lambda facts: facts["files"][0].update(name="a\nb"),
        lambda facts: facts["files"][0].update(name="..\\b"),
        lambda facts: facts["files"].append(facts["files"][0]),
        lambda facts: facts.update(epoch=10**30),
        lambda facts: facts.update(builder="x"),
        lambda facts: facts.update(builder={"x": 5}),
        lambda facts: facts.update(is_reproducible="no"),
        lambda facts: facts.update(gates=[{"name": 5, "evidence": [], "finished": 1e400}]),
        lambda facts: facts.update(resolution={"source": 5, "needs": [], "components": []}),
    ],
)
def test_a_record_that_is_none_is_named_and_nothing_is_published(
    released: Project, store: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    forget(released)
    forged(released.path / "dist", change)
    ended = released.invoke(*PUBLISH)
    assert (ended.code, arrived(store)) == (3, []), ended.text
    assert "release.json is no record of a release" in ended.err


def test_nobody_waits_for_a_record_that_is_no_file(tmp_path: Path) -> None:
    project = tagged(tmp_path / "project", None)
    (project.path / "dist").mkdir()
    os.mkfifo(project.path / "dist/release.json")
    ended = project.invoke("build")
    assert (ended.code, "release.json is no plain file" in ended.err) == (3, True)


@pytest.mark.parametrize("is_link", [True, False])
def test_a_dist_that_is_no_folder_is_refused_before_anything_is_built(released: Project, *, is_link: bool) -> None:
    dist = released.path / "dist"
    shutil.rmtree(dist)
    dist.symlink_to("nowhere") if is_link else dist.write_text("x\n")
    refuses(released, "build", says="dist is no folder")
    assert not (released.path / "nowhere").exists()


def test_distributions_of_another_name_than_the_project_are_not_tagged(tmp_path: Path) -> None:
    files = {**PROJECT, "pyproject.toml": PYPROJECT.replace('"demo"', '"../../x y"') + "[tool.release]\ngates = []\n"}
    project = trunk(tmp_path / "project", {**files, "tasks.py": "from release import ns\n"}, tag="")
    refuses(project, "tag", code=4, says="demo-1.0.0.tar.gz is of demo, and the project is")
    refuses(project, "build", code=4, says="demo-1.0.0.tar.gz is of demo, and the project is")


def test_what_a_record_names_and_is_a_folder_is_foreign(released: Project) -> None:
    dist = released.path / "dist"
    (dist / "demo-1.0.0.tar.gz").unlink()
    (dist / "demo-1.0.0.tar.gz").mkdir()
    refuses(released, "build", says="dist/ holds what no release has left there: demo-1.0.0.tar.gz")


@needs_ssh
def test_a_release_that_is_signed_is_not_published_without_its_seal(
    tmp_path: Path, store: Path, served: tuple[Path, Index]
) -> None:
    signing_for_all(tmp_path)
    project = tagged(tmp_path / "project", served[1], more="sign = true\n")
    done(project.invoke("build"))
    assert (project.path / "dist" / "provenance.intoto.json.sig").exists()
    kept = project.path / ".git/release/releases/v1.0.0/files"
    for folder in (kept, project.path / "dist"):
        for path in folder.glob("provenance.*"):
            path.unlink()
        forged(folder, lambda _: None)
    says = "provenance: there is none, and v1.0.0 is signed"
    refuses(project, *PUBLISH, says=says)
    ended = project.invoke("release.verify", "1.0.0")
    assert (ended.code, "mismatch      provenance  (there is none" in ended.out) == (3, True), ended.text
    forget(project)
    assert project.invoke(*PUBLISH).code == 3
    assert arrived(store) == []


@pytest.mark.parametrize("name", ["provenance.txt", "provenance.intoto.jsonl.bak"])
def test_only_the_files_of_a_seal_are_its_own(released: Project, name: str) -> None:
    (released.path / "dist" / name).write_text("notes of somebody\n")
    refuses(released, "build", says=f"holds what no release has left there: {name}")
    forget(released)
    forged(released.path / "dist", lambda _: None)
    refuses(released, *PUBLISH, says=f"dist/{name} is foreign")


@needs_ssh
def test_no_hook_of_git_gets_the_key_of_provenance(
    tmp_path: Path, store: Path, released: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not arrived(store)
    signing_for_all(tmp_path, "raw")
    monkeypatch.setenv("RELEASE_PROVENANCE_KEY", (tmp_path / "raw").read_text())
    hook = released.path / ".git/hooks/pre-push"
    hook.write_text(f"#!/bin/sh\nenv > {tmp_path}/seen\n")
    hook.chmod(0o755)
    released.git("tag", "-d", "v1.0.0")
    released.git("push", "-q", "--no-verify", "origin", ":v1.0.0")
    released.commit("fix: more", {"demo/more.py": ""})
    released.git("push", "-q", "--no-verify", "origin", "main")
    done(released.invoke("tag", "--push", "--yes"))
    assert (released.path / KEPT / "v1.0.0/files/provenance.intoto.jsonl").exists()
    seen = (tmp_path / "seen").read_text()
    assert "HOME=" in seen
    assert "RELEASE_PROVENANCE_KEY" not in seen


@pytest.mark.thorough
@needs_ssh
def test_a_rehearsal_has_nobodys_keys_and_no_proxy(
    tmp_path: Path, released: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_key(tmp_path / "raw")
    given = {"RELEASE_PROVENANCE_KEY": (tmp_path / "raw").read_text(), "GITHUB_TOKEN": "t", "no_proxy": "a.example"}
    nowhere = dict.fromkeys(("HTTP_PROXY", "http_proxy"), "http://127.0.0.1:9")
    for name, value in (given | nowhere).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = dict(os.environ)
    released.commit("feat: more", {"demo/more.py": ""})
    said = done(released.invoke("release.rehearse", "1.1.0"), "v1.1.0 is what was made")
    assert "could not be kept" not in said
    assert dict(os.environ) == before


def listed(store: Path, *more: tuple[str, str, bytes]) -> Front:
    """Return an index that has what lies in a folder, and before that further files: their names, paths and bytes."""
    true = [(path.name, path.name, path.read_bytes()) for path in sorted(store.glob("demo-*[lz]"))]
    files = [*more, *true]
    entries = [
        {"filename": name, "url": f"/files/{path}", "hashes": {"sha256": hashlib.sha256(data).hexdigest()}}
        for name, path, data in files
    ]
    told = Reply(200, {"Content-Type": "application/vnd.pypi.simple.v1+json"}, json.dumps({"files": entries}).encode())
    # Many servers call what is packed anyway packed for the way.
    packed = {"Content-Encoding": "gzip"}
    answers = {f"GET /files/{path}": Reply(200, packed if path.endswith("gz") else {}, data) for _, path, data in files}
    return Front({"GET /simple/demo/": [told] * 9, **{path: [answer] * 9 for path, answer in answers.items()}})


EVIL = b"something else"


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        (("demo-1.0.0+evil-py3-none-any.whl", "a", EVIL), 3, "demo-1.0.0+evil-py3-none-any.whl at"),
        *thorough(
            (None, 0, "v1.0.0 is what was made"),
            (("demo-1.0.0-py3-none-any.whl", "a", EVIL), 3, "mismatch      demo-1.0.0-py3-none-any.whl at"),
        ),
    ],
)
def test_what_pip_would_take_instead_is_a_mismatch(
    tmp_path: Path, more: tuple[str, str, bytes] | None, code: int, says: str
) -> None:
    front = Front()
    with fronting(front):
        at = f"http://{front.host}/"
        project = tagged(tmp_path / "project", Index(upload=at, simple=f"{at}simple/"), more=ONLY_INDEX)
        lying = listed(project.path / KEPT / "v1.0.0/files", *([more] if more else []))
        front.replies.update(lying.replies)
        ended = project.invoke("release.verify", "1.0.0")
        assert (ended.code, says in ended.text) == (code, True), ended.text
        if more:
            refuses(project, *PUBLISH, says=more[0])


@pytest.mark.thorough
def test_a_tag_that_is_made_again_before_anything_was_published_is_built_again(released: Project, store: Path) -> None:
    before = released.ref("v1.0.0")
    released.git("tag", "-d", "v1.0.0")
    released.git("push", "-q", "origin", ":v1.0.0")
    released.commit("fix: more", {"demo/more.py": ""})
    released.git("push", "-q", "origin", "main")
    said = done(released.invoke("tag", "--push", "--yes"))
    assert "warning" not in said
    assert json.loads(released.read(f"{KEPT}/v1.0.0/files/release.json"))["tag_object"] == released.ref("v1.0.0")
    assert released.ref("v1.0.0") != before
    done(released.invoke("build"))
    done(released.invoke(*PUBLISH))
    assert len(arrived(store)) == 2


@pytest.mark.thorough
def test_a_tag_that_was_moved_is_not_published(released: Project, store: Path) -> None:
    done(released.invoke(*PUBLISH))
    released.git("tag", "-f", "-a", "v1.0.0", "-m", "another")
    released.git("push", "-q", "-f", "origin", "v1.0.0")
    says = refuses(released, *PUBLISH, says="one of them was replaced")
    assert f"remove {released.path / KEPT / 'v1.0.0'}" in says
    released.git("tag", "-d", "v1.0.0")
    released.git("push", "-q", "origin", ":v1.0.0")
    released.commit("fix: more", {"demo/more.py": ""})
    released.git("push", "-q", "origin", "main")
    said = done(released.invoke("tag", "--push", "--yes"))
    assert "warning: what was built could not be kept" in said
    assert len(arrived(store)) == 2


@pytest.mark.thorough
def test_a_long_name_of_a_tag_is_no_hindrance(tmp_path: Path) -> None:
    pattern = f"{'é' * 60}{{version}}"
    project = tagged(tmp_path / "project", None, more=f'tag = "{pattern}"\n')
    (kept,) = (project.path / KEPT).iterdir()
    assert len(os.fsencode(kept.name)) < 255
    done(project.invoke("build"), pattern.format(version="1.0.0"))


@pytest.mark.thorough
def test_a_project_without_a_name_is_called_the_same_in_every_clone(tmp_path: Path) -> None:
    table = PYPROJECT.replace('name = "demo"\nversion = "1.0.0"\n', "").replace("[project]\n", "")
    project = tagged(tmp_path / "project", None, table)
    other = tmp_path / "elsewhere"
    project.git("clone", "-q", str(project.remote), str(other))
    done(project.invoke("build"))
    done(project.invoke("build", cwd=other))
    one, two = (
        {path.name: path.read_bytes() for path in (place / "dist").iterdir()} for place in (project.path, other)
    )
    assert one == two
    assert "demo-1.0.0.cdx.json" in one
