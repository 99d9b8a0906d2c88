"""The index publisher against a real package index on loopback, and against one that is broken."""

from __future__ import annotations

import contextlib
import http.server
import os
import shutil
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import distributing
import pytest

from release import config as configuration
from release.artifacts import loopback, store
from release.artifacts.publish import index
from release.artifacts.publish.job import Job, State
from release.artifacts.publish.web import Web
from release.artifacts.record import Record
from release.errors import Exit, ReleaseError
from release.git import repository as repositories

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support import Project

ID = "0" * 40


def job_of(project: Project, folder: Path, at: configuration.Index) -> Job:
    scratch = project.folder / "scratch"
    scratch.mkdir(exist_ok=True)
    record = Record(
        project="demo",
        version="1.0.0",
        tag="v1.0.0",
        tag_object=ID,
        commit=ID,
        tree=ID,
        previous="",
        repository="",
        epoch=0,
        tool="",
        builder={},
        is_reproducible=True,
        resolution=None,
        gates=(),
        files=store.files(folder),
    )
    env = {**os.environ, "TWINE_USERNAME": "x", "TWINE_PASSWORD": "s3cret-token"}
    config = replace(configuration.Config(), index=at)
    return Job(repositories.locate(project.path), folder, record, config, "", env, print, scratch)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[configuration.Index]:
    (tmp_path / "index").mkdir()
    with loopback.index(tmp_path / "index") as at:
        yield at


@pytest.fixture
def asked() -> Web:
    return Web(lambda _: None)


def test_what_is_missing_is_uploaded_once_and_then_is_there(
    project: Project, served: configuration.Index, asked: Web, tmp_path: Path
) -> None:
    job = job_of(project, distributing.pair(tmp_path / "dist"), served)
    first = index.planned(job, asked)
    assert not first.is_done
    assert [line.split(" to ")[0] for line in first.lines] == [
        "demo-1.0.0-py3-none-any.whl is uploaded",
        "demo-1.0.0.tar.gz is uploaded",
    ]
    first.act()
    assert sorted(path.name for path in (tmp_path / "index").iterdir()) == [one.name for one in job.record.files]
    again = index.planned(job, asked)
    assert again.is_done
    assert [line.rpartition(" is ")[2] for line in again.lines] == ["there", "there"]
    assert {seen.state for seen in index.checked(job, asked)} == {State.CHECKED}


def test_uv_uploads_where_twine_is_not_installed(
    project: Project, served: configuration.Index, asked: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("uv") is None:
        pytest.skip("uv is not installed")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    job = job_of(project, distributing.pair(tmp_path / "dist"), served)
    index.planned(job, asked).act()
    assert index.planned(job, asked).is_done
    (tmp_path / "index" / "demo-1.0.0.tar.gz").unlink()
    index.planned(job, asked).act()
    assert index.planned(job, asked).is_done


def test_nothing_that_uploads_is_said_before_anything_is_tried(
    project: Project, served: configuration.Index, asked: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    job = job_of(project, distributing.pair(tmp_path / "dist"), served)
    with pytest.raises(
        ReleaseError, match=r"nothing here uploads .*\n  pip install 'invoke-gitflow\[publish\]'"
    ) as caught:
        index.planned(job._replace(env={"PATH": "/nonexistent"}), asked)
    assert caught.value.exit is Exit.USAGE


def test_only_what_is_missing_goes(
    project: Project,
    served: configuration.Index,
    asked: Web,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = distributing.pair(tmp_path / "dist")
    job = job_of(project, folder, served)
    name = "demo-1.0.0.tar.gz"
    (tmp_path / "index" / name).write_bytes((folder / name).read_bytes())
    index.planned(job, asked).act()
    assert capsys.readouterr().out == "index: uploading demo-1.0.0-py3-none-any.whl\n"
    assert index.planned(job, asked).is_done


def test_a_different_file_stops_before_anything_is_uploaded(
    project: Project, served: configuration.Index, asked: Web, tmp_path: Path
) -> None:
    job = job_of(project, distributing.pair(tmp_path / "dist"), served)
    (tmp_path / "index" / "demo-1.0.0.tar.gz").write_bytes(b"other")
    with pytest.raises(ReleaseError, match=r"has another demo-1\.0\.0\.tar\.gz: its digest is") as caught:
        index.planned(job, asked)
    assert caught.value.exit is Exit.REFUSED
    assert [path.name for path in (tmp_path / "index").iterdir()] == ["demo-1.0.0.tar.gz"]
    states = {seen.what.split()[0]: seen for seen in index.checked(job, asked)}
    assert states["demo-1.0.0.tar.gz"].state is State.MISMATCH
    assert states["demo-1.0.0-py3-none-any.whl"].state is State.UNSEEN


def test_a_foreign_file_of_the_version_is_told(
    project: Project, served: configuration.Index, asked: Web, tmp_path: Path
) -> None:
    job = job_of(project, distributing.pair(tmp_path / "dist"), served)
    (tmp_path / "index" / "demo-1.0.0-cp311-none-any.whl").write_bytes(b"evil")
    (tmp_path / "index" / "demo-0.9.0-py3-none-any.whl").write_bytes(b"older")
    with pytest.raises(ReleaseError, match=r"demo-1\.0\.0-cp311-none-any\.whl, which is not of this release"):
        index.planned(job, asked)
    (foreign,) = (seen for seen in index.checked(job, asked) if "cp311" in seen.what)
    assert (foreign.state, foreign.detail) == (State.MISMATCH, "it is not of this release")


def test_another_upload_that_was_first_is_seen_when_ours_is_refused(
    project: Project, served: configuration.Index, asked: Web, tmp_path: Path
) -> None:
    folder = distributing.pair(tmp_path / "dist")
    job = job_of(project, folder, served)
    planned = index.planned(job, asked)
    for one in job.record.files:
        (tmp_path / "index" / one.name).write_bytes((folder / one.name).read_bytes())
    planned.act()
    (tmp_path / "index" / "demo-1.0.0.tar.gz").write_bytes(b"other")
    with pytest.raises(ReleaseError, match="has another demo"):
        planned.act()


def test_without_distributions_nothing_goes_to_an_index(project: Project, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    job = job_of(project, tmp_path / "none", configuration.Index())
    assert index.objection(job) == "there are no distributions"


class Broken(http.server.BaseHTTPRequestHandler):
    """An index that answers as `plan` says, one status after the other, the last one for ever."""

    plan: ClassVar[list[tuple[int, dict[str, str], bytes]]]
    seen: ClassVar[list[str]]

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append(f"{self.command} {self.path}")
        status, headers, body = self.plan.pop(0) if len(self.plan) > 1 else self.plan[0]
        self.send_response(status)
        for name, value in {"Content-Type": "text/html", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer  # noqa: N815  # the library's names

    def log_message(self, *words: object) -> None:
        pass


@contextlib.contextmanager
def broken(*plan: tuple[int, dict[str, str], bytes]) -> Iterator[tuple[configuration.Index, list[str]]]:
    class Handler(Broken):
        pass

    Handler.plan, Handler.seen = list(plan), []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        at = f"http://127.0.0.1:{server.server_port}/"
        yield configuration.Index(upload=at, simple=f"{at}simple/"), Handler.seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_server_error_is_asked_again_and_a_wait_is_honoured(project: Project, tmp_path: Path) -> None:
    waited: list[float] = []
    with broken((503, {}, b""), (429, {"Retry-After": "7"}, b""), (404, {}, b"")) as (at, _):
        job = job_of(project, distributing.pair(tmp_path / "dist"), at)
        assert not index.planned(job, Web(waited.append)).is_done
    assert waited == [1.0, 7.0]


@pytest.mark.parametrize(
    ("status", "exit_"), [(500, Exit.INTERRUPTED), (403, Exit.INTERRUPTED), (200, Exit.INTERRUPTED)]
)
def test_an_index_that_gives_no_listing_is_no_empty_index(
    project: Project, asked: Web, tmp_path: Path, status: int, exit_: Exit
) -> None:
    body = b"{" if status == 200 else b""
    with broken((status, {"Content-Type": "application/vnd.pypi.simple.v1+json"}, body)) as (at, _):
        job = job_of(project, distributing.pair(tmp_path / "dist"), at)
        with pytest.raises(ReleaseError, match=r"127\.0\.0\.1") as caught:
            index.planned(job, asked)
    assert caught.value.exit is exit_


def test_an_index_that_is_not_there_can_be_gone_on_with(project: Project, asked: Web, tmp_path: Path) -> None:
    with broken((404, {}, b"")) as (at, _):
        pass
    job = job_of(project, distributing.pair(tmp_path / "dist"), at)
    with pytest.raises(ReleaseError, match=r"/simple/demo/ cannot be reached: Connection refused") as caught:
        index.planned(job, asked)
    assert caught.value.exit is Exit.INTERRUPTED
    assert "invoke publish" in caught.value.problems[0].hint


@pytest.mark.parametrize(
    ("status", "exit_", "uploads"), [(403, Exit.REFUSED, 1), (400, Exit.REFUSED, 1), (502, Exit.INTERRUPTED, 4)]
)
def test_an_upload_that_is_refused_tells_no_token(
    project: Project,
    asked: Web,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    status: int,
    exit_: Exit,
    uploads: int,
) -> None:
    def answers(handler: Broken) -> None:
        handler.plan[:] = [(404, {}, b"")] if handler.command == "GET" else [(status, {}, b"no: s3cret-token")]
        Broken.answer(handler)

    with broken((404, {}, b"")) as (at, seen), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Broken, "do_GET", answers)
        patch.setattr(Broken, "do_POST", answers)
        job = job_of(project, distributing.pair(tmp_path / "dist"), at)
        with pytest.raises(ReleaseError) as caught:
            index.planned(job, asked).act()
    assert caught.value.exit is exit_
    assert "s3cret-token" not in f"{caught.value}{capsys.readouterr()}"
    assert len([one for one in seen if one.startswith("POST")]) >= uploads
