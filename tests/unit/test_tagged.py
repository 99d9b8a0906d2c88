"""Which release is meant: by its version, or by where HEAD is; tags that no release has made are refused."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from support import bare

from release.artifacts import tagged
from release.errors import Exit, ReleaseError
from release.git import repository as repositories
from release.git.database import ObjectReader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support import Project

    from release.artifacts.tagged import Tagged
    from release.git.repository import Repository


@pytest.fixture
def released(tmp_path: Path) -> Project:
    """A project with 0.9.0, 1.0.0rc1, 1.0.0 and a commit since."""
    project = bare(tmp_path / "project")
    for version in ("0.9.0", "1.0.0rc1", "1.0.0"):
        project.commit(f"chore: {version}", {"VERSION": f"{version}\n"})
        project.git("tag", "-a", f"v{version}", "-m", version)
    project.commit("fix: more", {"a.txt": "a\n"})
    return project


def asked(project: Project, look: Callable[[Repository, ObjectReader], Tagged]) -> Tagged:
    here = repositories.locate(project.path)
    with closing(ObjectReader(project.path)) as reader:
        return look(here, reader)


def find(project: Project, wanted: str = "") -> Tagged:
    return asked(project, lambda here, reader: tagged.find(here, reader, wanted))


def refused(project: Project, wanted: str = "") -> ReleaseError:
    with pytest.raises(ReleaseError) as caught:
        find(project, wanted)
    return caught.value


def test_it_is_the_nearest_that_head_builds_on_or_the_one_that_is_named(released: Project) -> None:
    found = find(released)
    assert (found.name, found.previous, found.is_newest) == ("v1.0.0", "v0.9.0", True)
    assert found.oid == released.git("rev-parse", "v1.0.0")
    assert found.commit == released.git("rev-parse", "v1.0.0^{commit}")
    assert found.tree == released.git("rev-parse", "v1.0.0^{tree}")
    assert {str(one) for one in found.older} == {"0.9.0", "1.0.0rc1"}
    assert (find(released, "1.0.0rc1").name, find(released, "1.0.0rc1").is_newest) == ("v1.0.0rc1", False)
    assert find(released, "0.9.0").previous == ""
    released.git("switch", "-q", "--detach", "v0.9.0")
    assert (find(released).name, find(released).is_newest) == ("v0.9.0", False)


def test_head_is_its_release_or_one_without_a_tag(released: Project) -> None:
    found = asked(released, tagged.head)
    assert (found.name, found.oid, str(found.version), found.previous) == ("", "", "1.0.0", "v0.9.0")
    released.git("switch", "-q", "--detach", "v1.0.0")
    assert asked(released, tagged.head).name == "v1.0.0"


def test_a_branch_or_file_of_that_name_is_no_release(released: Project) -> None:
    released.git("branch", "v2.0.0")
    assert refused(released, "2.0.0").exit is Exit.USAGE
    assert "there is no tag v2.0.0 here" in str(refused(released, "2.0.0"))


def test_a_lightweight_tag_is_none(released: Project) -> None:
    released.git("tag", "v2.0.0")
    error = refused(released, "2.0.0")
    assert (error.exit, "v2.0.0 is no annotated tag" in str(error)) == (Exit.REFUSED, True)


def test_the_tag_object_of_another_release_is_refused(released: Project) -> None:
    released.git("update-ref", "refs/tags/v2.0.0", released.git("rev-parse", "v1.0.0"))
    error = refused(released, "2.0.0")
    assert (error.exit, "the tag v2.0.0 holds the tag object of 'v1.0.0'" in str(error)) == (Exit.REFUSED, True)


def test_without_a_release_or_a_commit_it_says_so(tmp_path: Path) -> None:
    project = bare(tmp_path / "project")
    assert "no commit yet" in str(refused(project))
    project.commit("feat: begin", {"VERSION": "1.0.0\n"})
    error = refused(project)
    assert (error.exit, "HEAD builds on no release" in str(error)) == (Exit.USAGE, True)
