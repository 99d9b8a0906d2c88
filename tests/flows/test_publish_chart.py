"""The chart publisher with Helm's own code and docker-registry."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from oci_jobs import FILES, environment, has_helm, helm, inspected, job, needs_registry, released
from registries import BASIC, PASSWORD, Front, Reply, fronting, registry

from release.artifacts.publish import archive, chart
from release.artifacts.publish.job import State
from release.artifacts.publish.registry import Registry
from release.errors import Exit, ReleaseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from support import Project

    from release.artifacts.publish.job import Facts, Job

pytestmark = [*needs_registry, has_helm]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    with registry(tmp_path / "registry") as address:
        yield address


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return released(tmp_path / "project")


def of(
    project: Project,
    host: str,
    *more: str,
    env: Mapping[str, str] | None = None,
    version: str = "1.0.0",
    known: Mapping[str, Facts] | None = None,
    said: list[str] | None = None,
) -> Job:
    """Return the job of a chart that goes to HOST/charts."""
    table = "\n".join(["[tool.release.chart]", f'registry = "{host}/charts"', *more])
    given = {"PATH": helm(project.folder / "bin"), **(env or {})}
    return job(project, table, env=environment(project.folder, given), version=version, known=known, said=said)


def failed(one: Job) -> ReleaseError:
    with pytest.raises(ReleaseError) as caught:
        chart.plan(one, pause=lambda _: None).act()
    return caught.value


def looks(one: Job) -> list[tuple[State, str]]:
    return [(seen.state, seen.detail) for seen in chart.check(one, pause=lambda _: None)]


def is_helm_3() -> bool:
    program = shutil.which("helm")  # without it Helm 4 is called
    argv = [program or "true", "version", "--template", "{{.Version}}"]
    return subprocess.run(argv, check=True, capture_output=True).stdout.startswith(b"v3")


def content(reference: str) -> dict[str, bytes]:
    """Return the files of a chart in a registry on loopback."""
    name, _, tag = reference.rpartition(":")
    reader = Registry(name, {})
    manifest = reader.manifest(tag)
    assert manifest is not None
    return archive.files(reader.blob(manifest.data["layers"][0]["digest"], largest=1 << 20))


def test_a_project_without_a_registry_for_it_has_no_chart(project: Project) -> None:
    assert chart.objection(job(project, "")) == "no chart.registry"


def test_a_chart_is_packaged_of_what_is_committed_and_pushed_once(project: Project, host: str) -> None:
    project.write("chart/values.yaml", "replicas: 7\n")  # not committed
    project.write("chart/more.yaml", "more: 1\n")
    said: list[str] = []
    one = of(project, host, said=said)
    assert chart.objection(one) == ""
    planned = chart.plan(one)
    assert planned.lines == (f"chart: push {host}/charts/demo:1.0.0, packaged of chart",)
    assert not planned.is_done
    assert Registry(f"{host}/charts/demo", {}).digest("1.0.0") == ""
    facts = planned.act()
    assert facts == {
        "reference": f"{host}/charts/demo:1.0.0",
        "digest": Registry(f"{host}/charts/demo", {}).digest("1.0.0"),
    }
    assert f"chart: pushed {facts['reference']} as {facts['digest']}" in said
    raw = inspected(facts["reference"], "--raw")
    assert raw["config"]["mediaType"] == "application/vnd.cncf.helm.config.v1+json"
    assert raw["annotations"]["org.opencontainers.image.version"] == "1.0.0"
    found = content(facts["reference"])
    assert set(found) == {f"demo/{name}" for name in ("Chart.yaml", "values.yaml", "templates/map.yaml")}
    assert found["demo/values.yaml"] == FILES["chart/values.yaml"].encode()

    again = of(project, host)
    planned = chart.plan(again)
    assert (planned.is_done, planned.lines) == (True, (f"chart: {facts['reference']} is there as {facts['digest']}",))
    assert planned.act() == facts
    assert looks(again) == [(State.CHECKED, f"{facts['digest']}, by its files: no digest was recorded")]


def test_a_recorded_digest_needs_no_helm(project: Project, host: str) -> None:
    facts = chart.plan(of(project, host)).act()
    known = {"chart": facts}
    without = of(project, host, env={"PATH": "/usr/bin:/bin"}, known=known)
    assert chart.plan(without).is_done
    assert looks(without) == [(State.CHECKED, facts["digest"])]
    other = of(project, host, known={"chart": {**facts, "digest": f"sha256:{'0' * 64}"}})
    assert failed(other).exit is Exit.REFUSED
    assert looks(other)[0][0] is State.MISMATCH


def test_what_is_there_and_another_is_not_replaced(project: Project, host: str) -> None:
    facts = chart.plan(of(project, host)).act()
    project.commit("fix: later", {"chart/values.yaml": "replicas: 2\n", "chart/new.yaml": "a: 1\n"})
    error = failed(of(project, host))
    assert error.exit is Exit.REFUSED
    assert "is there already, and differs from this release in demo/new.yaml, demo/values.yaml" in str(error)
    assert Registry(f"{host}/charts/demo", {}).digest("1.0.0") == facts["digest"]
    ((state, detail),) = looks(of(project, host))
    assert state is State.MISMATCH
    assert "differs from this release in demo/values.yaml" in detail


@pytest.mark.thorough
def test_one_tree_makes_one_digest(project: Project, host: str, tmp_path: Path) -> None:
    if is_helm_3():
        pytest.skip("archives of Helm 3 hold the time at which they were made")
    one = chart.plan(of(project, f"{host}/one")).act()
    os.utime(project.path / "chart/values.yaml", (1, 1))
    two = chart.plan(of(released(tmp_path / "elsewhere" / "other"), f"{host}/two")).act()
    assert one["digest"] == two["digest"]


def test_a_candidate_is_spelled_as_helm_has_it(tmp_path: Path, host: str) -> None:
    files = {**FILES, "chart/Chart.yaml": FILES["chart/Chart.yaml"].replace("1.0.0", "1.0.0-rc.1")}
    facts = chart.plan(of(released(tmp_path / "rc", files), host, version="1.0.0rc1")).act()
    assert facts["reference"] == f"{host}/charts/demo:1.0.0-rc.1"
    assert inspected(facts["reference"], "--raw")["annotations"]["org.opencontainers.image.version"] == "1.0.0-rc.1"


@pytest.mark.parametrize(
    ("files", "more", "said"),
    [
        ({"chart/Chart.yaml": "name: demo\nversion: 2.0.0\n"}, (), "none with the version 1.0.0"),
        (
            {"other/Chart.yaml": FILES["chart/Chart.yaml"]},
            (),
            "several with the version 1.0.0: chart/Chart.yaml, other",
        ),
        ({}, ('path = "charts/demo"',), "v1.0.0 has no charts/demo/Chart.yaml"),
        ({"chart/Chart.yaml": "version: 1.0.0\n"}, (), "has the name none"),
        ({"chart/Chart.yaml": "name: Demo\nversion: 1.0.0\n"}, (), "has the name Demo"),
        ({"chart/Chart.yaml": "name: [\n"}, (), "chart/Chart.yaml cannot be read"),
    ],
)
def test_which_chart_it_is_has_to_be_clear(
    tmp_path: Path, files: dict[str, str], more: tuple[str, ...], said: str
) -> None:
    error = failed(of(released(tmp_path / "odd", {**FILES, **files}), "127.0.0.1:1", *more))
    assert error.exit is Exit.USAGE
    assert said in str(error)


def test_charts_of_others_are_left_out(tmp_path: Path, host: str) -> None:
    files = {
        **FILES,
        "vendor/x/Chart.yaml": FILES["chart/Chart.yaml"],
        "chart/Chart.yaml": FILES["chart/Chart.yaml"]
        + "dependencies: [{name: part, version: 1.0.0, repository: ''}]\n",
        "chart/charts/part/Chart.yaml": "apiVersion: v2\nname: part\nversion: 1.0.0\n",
    }
    project = released(tmp_path / "several", files)
    table = f'foreign = ["vendor"]\n[tool.release.chart]\nregistry = "{host}/charts"'
    env = environment(tmp_path, {"PATH": helm(tmp_path / "bin")})
    facts = chart.plan(job(project, table, env=env)).act()
    assert "demo/charts/part/Chart.yaml" in content(facts["reference"])


def test_a_chart_of_another_version_is_refused(project: Project) -> None:
    error = failed(of(project, "127.0.0.1:1", 'path = "chart"', version="1.0.1"))
    assert error.exit is Exit.REFUSED
    assert "chart/Chart.yaml in v1.0.1 has the version 1.0.0, not 1.0.1" in str(error)


def test_a_registry_needs_a_host(project: Project) -> None:
    error = failed(job(project, '[tool.release.chart]\nregistry = "acme/charts"'))
    assert error.exit is Exit.USAGE
    assert "names no host" in str(error)


def test_a_chart_that_is_not_sound_is_told_before_anything_is_sent(tmp_path: Path, host: str) -> None:
    project = released(tmp_path / "odd", {**FILES, "chart/templates/map.yaml": "{{ nothing }}\n"})
    with pytest.raises(ReleaseError, match=r"the chart in chart of v1\.0\.0 is not sound: helm ended") as caught:
        chart.plan(of(project, host))
    assert caught.value.exit is Exit.GATE_FAILED
    assert "nothing" in str(caught.value)


def test_without_helm_it_is_named(project: Project, host: str) -> None:
    error = failed(of(project, host, env={"PATH": "/usr/bin:/bin"}))
    assert error.exit is Exit.USAGE
    assert "helm, which packages and pushes the chart, is not on PATH" in str(error)


@pytest.mark.thorough
def test_a_push_that_fails_is_done_by_the_next_run(project: Project, host: str) -> None:
    with fronting(Front(behind=host)) as front:
        front.replies["PUT /v2/charts/demo/manifests/1.0.0"] = [Reply(400)] * 99
        planned = chart.plan(of(project, front.host))
        with pytest.raises(ReleaseError, match="was not pushed: helm ended with status 1") as caught:
            planned.act()
        assert caught.value.exit is Exit.INTERRUPTED
        front.replies.clear()
        facts = planned.act()
    assert inspected(f"{host}/charts/demo:1.0.0", "--raw")["layers"]
    assert facts["digest"] == Registry(f"{host}/charts/demo", {}).digest("1.0.0")


def test_a_registry_that_does_not_answer_is_not_looked_at(project: Project) -> None:
    with fronting(Front(replies={"HEAD /v2/charts/demo/manifests/1.0.0": [Reply(503)] * 20})) as front:
        one = of(project, front.host)
        assert failed(one).exit is Exit.INTERRUPTED
        assert looks(one)[0][0] is State.UNSEEN


@pytest.mark.thorough
def test_a_registry_with_a_login(project: Project, tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    with registry(tmp_path / "locked", locked=True) as host:
        error = failed(of(project, host))
        assert error.exit is Exit.USAGE
        (tmp_path / "docker/config.json").write_text(json.dumps({"auths": {host: {"auth": BASIC}}}))
        env = {"DOCKER_CONFIG": str(tmp_path / "docker")}
        facts = chart.plan(of(project, host, env=env)).act()
        assert looks(of(project, host, env=env, known={"chart": facts})) == [(State.CHECKED, facts["digest"])]
        assert PASSWORD not in str(error)
