"""The page of a release at the forge: what is there of it, and each step that brings it nearer to what it is to be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from release import version as versions
from release.artifacts.publish.answers import RejectedError
from release.artifacts.publish.job import different
from release.errors import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from release.artifacts.publish.github import Api, Item
    from release.artifacts.publish.job import Job
    from release.artifacts.record import File

_UPLOADED = "uploaded"  # the state of an asset that is there as a whole
_LONGEST = 125_000  # characters of a text, as the API has it
_CUT = "\n\n(The rest stands in the changelog.)\n"
_KEPT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # others are changed by the forge: they get a label


class Standing(NamedTuple):
    """What is there: the release (None: none), addresses of further drafts of its tag, and files that are missing.

    `broken` are ids of assets whose upload ended halfway, by the name of the file.
    """

    release: Item | None
    others: tuple[str, ...]
    present: tuple[File, ...]
    missing: tuple[File, ...]
    broken: dict[str, int]

    @property
    def is_draft(self) -> bool:
        """Whether nobody but maintainers sees it; also when it is not there yet."""
        return self.release is None or bool(self.release["draft"])


@dataclass(frozen=True, kw_only=True)
class Page:
    """The page of one release. `files` is what it is to hold."""

    job: Job
    api: Api
    files: tuple[File, ...]

    @property
    def tag(self) -> str:
        """The tag that the page belongs to."""
        return self.job.record.tag

    def look(self) -> Standing:
        """Look at the release and its assets; nothing is changed.

        Raises:
            ReleaseError: an asset differs from our file (exit 3), or it cannot be looked at (exit 2, 7).
        """
        release, others = self._release()
        present, missing, broken = [], [], {}
        held = [] if release is None else self._assets(release)
        for file in self.files:
            asset = _of(file, held)
            if asset is not None and asset["state"] == _UPLOADED:
                self._refuse_other(file, asset)
                present.append(file)
                continue
            missing.append(file)
            if asset is not None:
                broken[file.name] = int(asset["id"])
        return Standing(release, others, tuple(present), tuple(missing), broken)

    def create(self) -> Item:
        """Create the draft, unless it turns out to be there."""
        version = self.job.version
        wanted = {
            "tag_name": self.tag,
            "name": str(version),
            "body": text(self.job.notes),
            "draft": True,
            "prerelease": not versions.is_final(version),
        }
        made = self.api.settled(
            lambda: self.api.made(self.api.call("POST", "/releases", data=wanted)[1]), lambda: self._release()[0]
        )
        self.job.say(f"forge: draft {self.tag} at {self.api.repository} is created")
        return made

    def describe(self, release: Item) -> Item:
        """Give a draft that has no text ours."""
        wanted = text(self.job.notes)
        return self._edit(release, {"body": wanted}, lambda now: bool(now.get("body")))

    def upload(self, release: Item, file: File, broken: int | None) -> None:
        """Upload a file, after what is left of an upload of it that broke off was deleted.

        Raises:
            ReleaseError: what is there then is another (exit 3); it is refused (exit 2, 3); no answer (exit 7).
        """
        if broken is not None:
            self._delete(broken)
        url = str(release["upload_url"]).partition("{")[0]
        named = {"name": file.name} if _KEPT_NAME.fullmatch(file.name) else {"name": file.name, "label": file.name}
        asset = self.api.settled(
            lambda: self.api.upload(url, self.job.folder / file.name, **named), lambda: self._uploaded(release, file)
        )
        if asset.get("state", _UPLOADED) != _UPLOADED or asset["size"] != file.size or _differs(file, asset):
            raise different(
                f"forge: {file.name} of {self.tag} arrived as another file", "delete that asset, then again"
            )
        self.job.say(f"forge: asset {file.name} is uploaded")

    def publish(self, release: Item) -> Item:
        """Let everybody see it; the tag is looked at before and after, as the forge would make one that is missing.

        Raises:
            ReleaseError: the tag is not there, or another (exit 3); or as of `upload`.
        """
        self.refuse_other_tag(is_needed=True)
        is_final = versions.is_final(self.job.version)
        newest = "true" if is_final and self.job.is_newest else "false"
        wanted = {"draft": False, "prerelease": not is_final, "make_latest": newest}
        published = self._edit(release, wanted, lambda now: not now["draft"])
        self.refuse_other_tag(is_needed=True)
        self.job.say(f"forge: release {self.tag} at {self.api.repository} is published")
        return published

    def refuse_other_tag(self, *, is_needed: bool) -> bool:
        """Return whether the tag is there; it is the object of the record.

        Raises:
            ReleaseError: it is another, or `is_needed` and not there (exit 3).
        """
        found = self.api.find(f"/git/ref/tags/{quote(self.tag, safe='/')}")
        record, repository = self.job.record, self.api.repository
        if found is None:
            if is_needed:
                raise refusal(
                    f"forge: the tag {self.tag} is not at {repository}: publishing would make another, unsigned one",
                    f"push it first: git push REMOTE refs/tags/{self.tag}",
                )
            return False
        there = str(found["object"]["sha"])
        if there != record.tag_object:
            raise refusal(
                f"forge: the tag {self.tag} at {repository} is {there[:12]}, and that of the record "
                f"{record.tag_object[:12]}, of commit {record.commit[:12]}",
                "is forge.repository the right one? a tag is never moved: publish under the next version",
            )
        return True

    def _release(self) -> tuple[Item | None, tuple[str, ...]]:
        """Return the release of the tag: the published one, else its oldest draft; and addresses of further drafts."""
        found = [one for one in self.api.pages("/releases") if one.get("tag_name") == self.tag]
        found.sort(key=lambda one: (bool(one["draft"]), int(one["id"])))  # `created_at` is the date of the commit
        others = tuple(str(one.get("html_url") or one["id"]) for one in found[1:])
        return (found[0] if found else None), others

    def _assets(self, release: Item) -> list[Item]:
        return self.api.pages(f"/releases/{release['id']}/assets")

    def _uploaded(self, release: Item, file: File) -> Item | None:
        """Return a file's asset if it is there as a whole; what is left of a broken upload is deleted."""
        asset = _of(file, self._assets(release))
        if asset is None:
            return None
        if asset["state"] != _UPLOADED:
            self._delete(int(asset["id"]))
            return None
        self._refuse_other(file, asset)
        return asset

    def _delete(self, asset: int) -> None:
        def gone() -> bool | None:
            return True if self.api.find(f"/releases/assets/{asset}") is None else None

        def act() -> bool:
            self.api.call("DELETE", f"/releases/assets/{asset}")
            return True

        if gone() is None:
            self.api.settled(act, gone)

    def _refuse_other(self, file: File, asset: Item) -> None:
        """Compare by size and digest; where the forge tells none, the asset is fetched.

        Raises:
            ReleaseError: it is another file (exit 3).
        """
        is_same = int(asset["size"]) == file.size and not _differs(file, asset)
        if is_same and not digest(asset):
            is_same = self._fetched(str(asset["url"])) == file.sha256
        if not is_same:
            raise different(
                f"forge: {file.name} of {self.tag} at {self.api.repository} differs from what was built",
                "nothing is ever replaced: publish under the next version; in a draft you may delete that asset there",
            )

    def _fetched(self, url: str) -> str:
        try:
            return self.api.download(url, with_token=True).sha256
        except RejectedError as error:
            raise self.api.refused(error) from None

    def _edit(self, release: Item, wanted: Item, is_done: Callable[[Item], bool]) -> Item:
        path = f"/releases/{release['id']}"

        def look() -> Item | None:
            now = self.api.find(path)
            return now if now is not None and is_done(now) else None

        return self.api.settled(lambda: self.api.made(self.api.call("PATCH", path, data=wanted)[1]), look)


def digest(asset: Item) -> str:
    """Return the SHA-256 that the forge tells of an asset, "" for none."""
    found = re.fullmatch(r"sha256:([0-9a-f]{64})", str(asset.get("digest") or ""))
    return found[1] if found else ""


def text(notes: str) -> str:
    """Return what the page says, of a length that the forge takes."""
    return notes if len(notes) <= _LONGEST else notes[: _LONGEST - len(_CUT)].rpartition("\n")[0] + _CUT


def _differs(file: File, asset: Item) -> bool:
    return digest(asset) not in ("", file.sha256)


def _of(file: File, assets: Iterable[Item]) -> Item | None:
    """Return the asset of a file: by its name, or by the label that we gave it where the forge changes names."""
    return next((one for one in assets if file.name in (one["name"], one.get("label"))), None)
