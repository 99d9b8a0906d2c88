"""What a gate looks at: exactly the commit, in a checkout that leaves the user's repository alone."""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path

import pytest
from gating import HEAD, PASSING, Gated, gated, session, shell

from release.errors import Exit, ReleaseError
from release.gates import checkout, ci, exchange

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 3\n"


def everything(folder: Path) -> dict[str, object]:
    """Every file below a folder but receipts, with content, mode and time."""
    found: dict[str, object] = {}
    for place in sorted(folder.rglob("*")):
        name = str(place.relative_to(folder))
        if name.startswith((".git/release", "remote.git")):
            continue
        facts = place.lstat()
        content = place.read_bytes() if stat.S_ISREG(facts.st_mode) else None
        found[name] = (content, facts.st_mode, facts.st_mtime_ns if content is not None else 0)
    return found


def refused(project: Gated, *, running: bool = False) -> ReleaseError:
    with pytest.raises(ReleaseError) as caught:
        (project.run if running else project.look)()
    assert project.receipt() is None
    return caught.value


def test_the_users_repository_stays_as_it_is(tmp_path: Path) -> None:
    project = gated(tmp_path, HEAD + session(shell("git tag x; git stash list; git commit -q --allow-empty -m x || :")))
    project.write("staged.txt", "staged\n")
    project.git("add", "staged.txt")
    project.git("worktree", "add", "-q", str(tmp_path / "second"))
    before = everything(project.path), project.git("worktree", "list")
    project.run()
    assert (everything(project.path), project.git("worktree", "list")) == before
    assert sorted(place.name for place in (project.path / ".git" / "release").rglob("*.json")) == [
        f"{project.tree()}.json"
    ]


def test_what_is_not_committed_is_not_there(tmp_path: Path) -> None:
    project = gated(tmp_path, {"noxfile.py": PASSING, ".gitignore": "*.log\n", "src/a.txt": "a\n"})
    project.write("untracked.txt", "x")
    project.write("ignored.log", "x")
    project.write("src/a.txt", "changed\n")
    assert project.look() == {".gitignore", "noxfile.py", "src/a.txt"}
    assert (project.place() / "tree" / "src" / "a.txt").read_text() == "a\n"


def test_a_commit_needs_no_ref(tmp_path: Path) -> None:
    project = gated(tmp_path)
    tree = project.tree()
    lone = project.git("commit-tree", "-m", "lone", tree)
    project.run(commit=lone)
    assert project.receipt() is not None
    assert (project.place() / "tree" / ".git" / "HEAD").read_text() == f"{lone}\n"


def test_a_gate_sees_a_clean_repository_at_the_commit(tmp_path: Path) -> None:
    project = gated(tmp_path, HEAD + session(shell("git status --porcelain; git rev-parse HEAD; git log --format=%s")))
    project.run()
    assert f"\n{project.git('rev-parse', 'HEAD')}\nfeat: begin\n" in project.log()


def test_a_tree_that_is_not_the_commits_gets_no_receipt(tmp_path: Path) -> None:
    project = gated(tmp_path)
    old = project.git("rev-parse", "HEAD")
    project.commit("feat: more", {"a.txt": "a\n"})
    with (
        pytest.raises(ReleaseError, match="has not the tree") as caught,
        checkout.opened(project.repository, gate="tests", commit=old, tree=project.tree(), say=print),
    ):
        pass
    assert caught.value.exit == Exit.NOT_AUDITED


def test_files_that_did_not_change_stay_and_nothing_else_does(tmp_path: Path) -> None:
    leaving = (
        "mkdir -p d/e; touch d/e/x; chmod 500 d/e; echo y > b.txt.orig; git tag t; git config a.b c; echo > .git/x"
    )
    files = {
        "noxfile.py": HEAD + session(shell(f"test ! -e d; test ! -e .git/x; {leaving}")),
        "a.txt": "a\n",
        "b.txt": "b\n",
    }
    project = gated(tmp_path, files)
    project.run()
    first = (project.place() / "tree" / "a.txt").stat()
    project.commit("feat: more", {"b.txt": "other\n"})
    project.run()
    second = (project.place() / "tree" / "a.txt").stat()
    if os.geteuid() == 0:  # others cannot empty d/e, and get a checkout made anew
        assert (first.st_ino, first.st_mtime_ns) == (second.st_ino, second.st_mtime_ns)
    assert (project.place() / "tree" / "b.txt").read_text() == "other\n"
    assert project.git("tag", "--list", cwd=project.place() / "tree") == "t"
    assert (project.place() / "tree" / ".git" / "index").exists()


def test_a_flag_in_the_gates_own_index_hides_nothing(tmp_path: Path) -> None:
    script = "git update-index --assume-unchanged a.txt; echo x > a.txt"
    project = gated(tmp_path, {"noxfile.py": HEAD + session(shell(script)), "a.txt": "a\n"})
    for _ in range(2):
        assert "it changed what it was to look at: a.txt" in str(refused(project, running=True))


def test_a_checkout_that_is_broken_is_made_anew(tmp_path: Path) -> None:
    project = gated(tmp_path)
    project.look()
    project.commit("feat: more", {"a.txt": "a\n"})
    (project.place() / "git" / "index").write_bytes(b"no index")
    (project.place() / "git" / "index.lock").touch()
    project.look()


def test_a_link_in_place_of_the_checkout_is_not_followed(tmp_path: Path) -> None:
    project = gated(tmp_path)
    project.look()
    project.commit("feat: more", {"a.txt": "a\n"})
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    (project.place() / "tree").rename(project.place() / "old")
    (project.place() / "tree").symlink_to(precious)
    project.look()
    assert (precious / "file").exists()


def test_settings_of_the_user_do_not_change_what_is_looked_at(tmp_path: Path) -> None:
    project = gated(tmp_path, {"noxfile.py": PASSING, "a.txt": "a\nb\n"})
    attributes = tmp_path / "attributes"
    attributes.write_text("*.txt text eol=crlf\n")
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "post-checkout").write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\n")
    (hooks / "post-checkout").chmod(0o755)
    for key, value in {
        "core.autocrlf": "true",
        "core.attributesFile": str(attributes),
        "core.hooksPath": str(hooks),
        "submodule.recurse": "true",
        "core.splitIndex": "true",
    }.items():
        project.git("config", "--global", key, value)
    project.look()
    assert (project.place() / "tree" / "a.txt").read_bytes() == b"a\nb\n"
    assert not (tmp_path / "hooked").exists()


def test_odd_paths_are_only_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = gated(tmp_path / 'an "odd": name $HOME é')
    cache = tmp_path / 'more "odd": na\nme $HOME é'
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    project.run()
    assert project.receipt() is not None
    assert project.place().is_relative_to(cache / "invoke-gitflow")


@pytest.mark.parametrize("given", ["", "relative/cache"])
def test_the_cache_folder_is_the_one_that_xdg_says(given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = gated(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", given)
    assert project.place().is_relative_to(Path.home() / ".cache" / "invoke-gitflow")
    assert project.place().parent.name.startswith("work-")


def test_a_cache_folder_in_a_git_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = gated(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(project.path / ".git" / "cache"))
    assert refused(project).exit == Exit.USAGE


def test_a_relative_home_is_no_place_for_a_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = gated(tmp_path)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "rel")
    error = refused(project)
    assert (error.exit, "HOME is the relative path rel" in str(error)) == (Exit.USAGE, True)
    assert not (project.path / "rel").exists()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert project.place().is_relative_to(tmp_path / "cache")


def test_all_worktrees_share_checkouts_and_receipts(tmp_path: Path) -> None:
    project = gated(tmp_path)
    project.run()
    project.git("worktree", "add", "-q", str(tmp_path / "second"))
    second = Gated(tmp_path)
    second.path = tmp_path / "second"
    assert second.place() == project.place()
    assert second.receipt() == project.receipt()
    second.commit("feat: more", {"a.txt": "a\n"})
    second.run()
    assert second.receipt() is not None


def test_a_shallow_clone_can_be_gated(tmp_path: Path) -> None:
    project = gated(tmp_path, HEAD + session(shell("git log --format=%s")))
    project.commit("feat: more")
    project.git("push", "-q", "origin", "main")
    project.git("clone", "-q", "--depth=1", f"file://{project.remote}", str(tmp_path / "shallow"))
    shallow = Gated(tmp_path)
    shallow.path = tmp_path / "shallow"
    shallow.run()
    assert "feat: more" in shallow.log()


def test_a_sha256_repository_can_be_gated(tmp_path: Path) -> None:
    project = Gated(tmp_path)
    project.git("init", "-q", "--object-format=sha256", str(project.path), cwd=tmp_path)
    project.commit("feat: begin", {"noxfile.py": PASSING})
    project.run()
    assert project.receipt() is not None


def test_another_run_of_the_same_gate_is_waited_for_and_then_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = gated(tmp_path)
    monkeypatch.setattr(checkout, "LOCK_SECONDS", 0.1)
    project.place().mkdir(parents=True)
    descriptor = os.open(project.place() / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    error = refused(project)
    assert error.exit == Exit.REFUSED
    assert "another run of gate tests is at work" in str(error)
    assert "gate tests: waiting for another run of it" in project.said
    os.close(descriptor)
    project.look()


class TestSubmodules:
    """The user's own submodules, and those that the user does not have."""

    @pytest.fixture
    def project(self, tmp_path: Path) -> Gated:
        inner = gated(tmp_path / "inner", {"inner.txt": "inner\n"})
        lib = gated(tmp_path / "lib", {"lib.txt": "lib\n"})
        self.add(lib, inner, "deep")
        project = gated(tmp_path / "outer", {"noxfile.py": PASSING, "a.txt": "a\n"})
        self.add(project, lib, "lib")
        project.git("-c", "protocol.file.allow=always", "submodule", "update", "-q", "--init", "--recursive")
        return project

    @staticmethod
    def add(project: Gated, other: Gated, path: str) -> None:
        project.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other.path), path)
        project.commit(f"feat: add {path}")

    def test_they_are_there_without_a_network(self, project: Gated) -> None:
        before = everything(project.path)
        assert {"lib/lib.txt", "lib/deep/inner.txt"} <= project.look()
        assert everything(project.path) == before
        project.commit("feat: more", {"a.txt": "b\n"})
        assert {"lib/lib.txt", "lib/deep/inner.txt"} <= project.look()

    def test_one_that_the_user_has_not_initialised_stays_empty(self, project: Gated) -> None:
        project.look()
        project.git("submodule", "deinit", "-q", "-f", "lib")
        project.commit("feat: more", {"a.txt": "b\n"})
        assert project.look() == {".gitmodules", "a.txt", "noxfile.py"}
        assert (project.place() / "tree" / "lib").is_dir()

    def test_a_receipt_does_not_count_where_one_is_that_the_gate_did_not_have(self, project: Gated) -> None:
        project.git("submodule", "deinit", "-q", "-f", "deep", cwd=project.path / "lib")
        project.git("submodule", "deinit", "-q", "-f", "lib")
        project.run()
        receipt = project.receipt()
        assert (receipt is not None and receipt.absent) == ("lib",)
        project.git("-c", "protocol.file.allow=always", "submodule", "update", "-q", "--init")
        assert project.receipt() is None
        project.run()
        receipt = project.receipt()
        assert (receipt is not None and receipt.absent) == ("lib/deep",)
        project.git("-c", "protocol.file.allow=always", "submodule", "update", "-q", "--init", "--recursive")
        project.run()
        receipt = project.receipt()
        assert (receipt is not None and receipt.absent) == ()

    def test_receipts_for_others_need_all_of_them(
        self, project: Gated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As in a CI that has checked out without them; also when the gates have passed so before."""
        project.commit("chore: gates", {"pyproject.toml": '[tool.release]\ngates = ["tests"]\n'})
        monkeypatch.chdir(project.path)
        project.git("submodule", "deinit", "-q", "-f", "lib")
        project.run()
        out = tmp_path / "out"
        for words in ((), ("--receipts", str(out))):
            with pytest.raises(ReleaseError) as caught:
                ci.run(words, name="gates", say=project.said.append)
            assert caught.value.exit == Exit.NOT_AUDITED
            assert "needs all submodules, and these are not here: lib\n" in str(caught.value)
            assert "git submodule update --init --recursive" in str(caught.value)
        assert not list(out.iterdir())
        with pytest.raises(ReleaseError, match="was run without lib"):
            exchange.export(
                project.repository,
                tree=project.tree(),
                gates=["tests"],
                folder=out,
                key=None,
                say=project.said.append,
            )
        project.git("-c", "protocol.file.allow=always", "submodule", "update", "-q", "--init", "--recursive")
        ci.run(("--receipts", str(out)), name="gates", say=project.said.append)
        assert len(list(out.iterdir())) == 1

    def test_one_whose_commit_is_not_here_is_not_audited(self, project: Gated) -> None:
        absent = "1" * 40
        project.git("update-index", "--cacheinfo", f"160000,{absent},lib")
        project.git("commit", "-q", "-m", "feat: a commit of nobody")
        error = refused(project)
        assert error.exit == Exit.NOT_AUDITED
        assert f"gate tests could not look: the submodule lib at {absent} is not on this machine" in str(error)
        assert "git submodule update --init --recursive" in str(error)

    def test_one_that_was_replaced_by_files_leaves_nothing(self, project: Gated) -> None:
        project.look()
        project.git("rm", "-q", "-f", "lib")
        project.commit("feat: files instead", {"lib/own.txt": "own\n"})
        assert project.look() == {".gitmodules", "a.txt", "lib/own.txt", "noxfile.py"}
        assert not (project.place() / "tree" / "lib" / ".git").exists()

    def test_a_change_in_one_is_a_change(self, project: Gated) -> None:
        project.commit("feat: more", {"noxfile.py": HEAD + session(shell("echo x > lib/lib.txt"))})
        assert "it changed what it was to look at: lib/lib.txt" in str(refused(project, running=True))


class TestLargeFiles:
    """Git LFS, here in its absence: what is left of a file is its pointer, or an error."""

    def test_a_pointer_in_place_of_a_file_is_not_audited(self, tmp_path: Path) -> None:
        files = {"noxfile.py": PASSING, ".gitattributes": "*.bin filter=lfs\n", "a.bin": POINTER, "b.txt": POINTER}
        error = refused(gated(tmp_path, files))
        assert error.exit == Exit.NOT_AUDITED
        assert "Git LFS left pointers in place of files: a.bin\n" in str(error)

    def test_a_filter_that_fails_is_not_audited(self, tmp_path: Path) -> None:
        project = gated(tmp_path, {"noxfile.py": PASSING, ".gitattributes": "*.bin filter=lfs\n", "a.bin": POINTER})
        project.git("config", "--global", "filter.lfs.smudge", "false")
        project.git("config", "--global", "filter.lfs.required", "true")
        error = refused(project)
        assert error.exit == Exit.NOT_AUDITED
        assert "git cannot check out" in str(error)
        assert "git lfs fetch --all" in str(error)

    def test_objects_that_the_user_has_are_found(self, tmp_path: Path) -> None:
        project = gated(tmp_path, {"noxfile.py": PASSING, ".gitattributes": "*.bin filter=lfs\n", "a.bin": POINTER})
        store = project.path / ".git" / "lfs" / "objects"
        store.mkdir(parents=True)
        (store / "0123").write_text("big")
        project.git("config", "--global", "filter.lfs.smudge", 'cat "$GIT_DIR/lfs/objects/0123"')
        project.git("config", "--global", "filter.lfs.clean", f"printf '{POINTER}'".replace("\n", "\\n"))
        project.look()
        assert (project.place() / "tree" / "a.bin").read_text() == "big"
