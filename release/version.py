"""Versions: which ones exist, how they are spelled, and which one comes next.

Released versions are X.Y.Z, X.Y.ZaN, X.Y.ZbN and X.Y.ZrcN with N from 1; between releases stands X.Y.Z.devN.
They are `packaging.version.Version` objects, so that order and normal form are PEP 440's own.
"""

from __future__ import annotations

import enum
import functools
import re
from typing import TYPE_CHECKING, Literal, cast

from packaging.version import InvalidVersion, Version

from release.errors import Problem, ReleaseError, refusal, usage

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "LONGEST",
    "PARTS",
    "Kind",
    "Phase",
    "Spelling",
    "Version",
    "bump",
    "check_new",
    "from_tag",
    "increment",
    "is_canonical",
    "is_final",
    "kind",
    "next_candidate",
    "next_development",
    "next_version",
    "parse",
    "parse_file",
    "read",
    "read_file",
    "release_segment",
    "spell",
    "tag_name",
]

Kind = Literal["ga", "rc", "beta", "alpha", "dev"]
Phase = Literal["alpha", "beta", "rc"]

PARTS = ("major", "minor", "patch", "alpha", "beta", "rc", "final", "dev", "next")
LONGEST = 64  # characters of the pep440 and of the semver spelling

_SEGMENTS = 3
_BLANKS = " \t\r\n"
_ZERO = Version("0.0.0")
_FORMS = "accepted forms: 1.2.3, 1.2.3a1, 1.2.3b1, 1.2.3rc1, 1.2.3.dev0"
_KINDS: dict[str, Kind] = {"a": "alpha", "b": "beta", "rc": "rc"}
_LETTERS: dict[str, str] = {"alpha": "a", "beta": "b", "rc": "rc"}
_SEMVER_DEV = r"-0\.dev\.([0-9]+)\Z"
# What somebody may have meant, in text that is no version of ours; \d takes the digits of every script.
_MEANT = (
    r"(?i)(?:\d+!)?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:\.\d+)*"
    r"(?:[-_.]?(alpha|a|beta|b|preview|pre|rc|c|dev)(?![a-z])[-_.]?(\d*))?"
)


class Spelling(str, enum.Enum):
    """How a version is written: `1.0.0rc1`, `1.0.0-rc.1`, `v1.0.0rc1`."""

    PEP440 = "pep440"
    SEMVER = "semver"
    TAG = "tag"


def parse(text: str) -> Version:
    """Return the version that a person or a VERSION file wrote, in whatever spelling; blanks around it are dropped.

    PEP 440's normalisation holds (`01.1.0` is 1.1.0, `v1.0.0-preview.1` is 1.0.0rc1), and so does our SemVer
    mapping. What would lose something by it is refused.

    Raises:
        ReleaseError: anything else, naming the nearest accepted form (exit 2).
    """
    text = text.strip(_BLANKS)
    version = read(text)
    if version is None:
        raise _unaccepted(text)
    return version


def read(text: str) -> Version | None:
    """Return the version that a literal in a file spells in any accepted way, or None."""
    return None if len(text.removeprefix("v")) > LONGEST else _read(text)


@functools.lru_cache(maxsize=8192)  # some repositories have thousands of tags, and each is read many times
def _read(text: str) -> Version | None:
    version = _pep440(text)
    return None if version is None or _objection(version) else version


def read_file(data: bytes | None) -> Version | None:
    """Return the version in the bytes of a VERSION file; None when there is no file, or no version of ours in it."""
    return None if data is None else read(data.decode("utf-8-sig", "replace").strip(_BLANKS))


def parse_file(data: bytes, where: str) -> Version:
    """Return the version in the bytes of a VERSION file.

    Raises:
        ReleaseError: they hold none of ours; `where` names the file (exit 2).
    """
    try:
        return parse(data.decode("utf-8-sig", "replace"))
    except ReleaseError as error:
        problem = error.problems[0]
        raise usage(f"{where}: {problem.what}", problem.hint) from None


def is_canonical(text: str, spelling: Spelling = Spelling.PEP440) -> bool:
    """Whether `text` is a version exactly as `spelling` writes it, blanks around it apart."""
    text = text.strip(_BLANKS)
    version = read(text)
    return version is not None and text == spell(version, spelling)


def _pep440(text: str) -> Version | None:
    """Read PEP 440 and our SemVer spelling of dev, the only one of ours that PEP 440 cannot read."""
    if not text.isascii() or text != text.strip():
        return None
    try:
        return Version(re.sub(_SEMVER_DEV, r".dev\1", text) if "dev" in text else text)
    except InvalidVersion:
        return None


def _objection(version: Version) -> str:
    """Say why a version of PEP 440 is none of ours; "" when it is one."""
    objections = (
        (version.epoch != 0, "has an epoch"),
        (version.local is not None, "has a local part"),
        (version.post is not None, "is a post-release"),
        (version.pre is not None and version.dev is not None, "is a development version of a pre-release"),
        (len(version.release) != _SEGMENTS, "does not have three segments"),
        (version.pre is not None and version.pre[1] < 1, "has no pre-release number from 1 up"),
        (len(_semver(version)) > LONGEST, f"has a spelling of over {LONGEST} characters"),
    )
    return next((why for is_so, why in objections if is_so), "")


def _unaccepted(text: str) -> ReleaseError:
    """Build the refusal of `text`, shown with every character escaped that is not printable ASCII."""
    if not text:
        return usage("the version is empty", _FORMS)
    if len(text.removeprefix("v")) > LONGEST:
        return usage(f"a version of {len(text)} characters ({text[:20]!a}...); {LONGEST} is the most", _FORMS)
    version = _pep440(text)
    why = "is not a version" if version is None else _objection(version)
    nearest = _nearest(text, version)
    return usage(f"{text!a} {why}", f"nearest accepted form: {nearest}" if nearest else _FORMS)


def _nearest(text: str, version: Version | None) -> Version | None:
    if version is not None and version.post is not None:  # newer than X.Y.Z was meant
        segments = (*version.release, 0, 0)
        return read(f"{segments[0]}.{segments[1]}.{segments[2] + 1}")
    matches = [match for match in re.finditer(_MEANT, text) if match[2] or not text[: match.start()].strip("vV")]
    if not matches:
        return None
    major, minor, patch, phase, number = max(matches, key=lambda match: bool(match[2]) + bool(match[3])).groups()
    release = ".".join(str(int(segment or 0)) for segment in (major, minor, patch))
    if phase is None:
        return read(release)
    is_dev = phase.lower() == "dev"
    return read(f"{release}.{phase}{int(number or 0) or (0 if is_dev else 1)}")


def spell(version: Version, spelling: Spelling) -> str:
    """Write `version`; every spelling keeps the order and can be read back by `read`."""
    if spelling is Spelling.SEMVER:
        return _semver(version)
    return f"v{version}" if spelling is Spelling.TAG else str(version)


def _semver(version: Version) -> str:
    """SemVer 2.0.0, §11: numeric identifiers sort below words, so `0.dev` stands below alpha, beta and rc."""
    if version.pre is not None:
        return f"{version.base_version}-{_KINDS[version.pre[0]]}.{version.pre[1]}"
    if version.dev is not None:
        return f"{version.base_version}-0.dev.{version.dev}"
    return version.base_version


def tag_name(version: Version, pattern: str) -> str:
    """Fill `{version}` of a tag or branch pattern with the pep440 spelling."""
    return pattern.replace("{version}", str(version))


def from_tag(name: str, pattern: str) -> Version | None:
    """Return the version that the short name of a tag or branch stands for.

    None for every name that `tag_name` would not have given: such tags are legacy and mean nothing.
    """
    before, _, after = pattern.partition("{version}")
    if not (name.startswith(before) and name.endswith(after)):
        return None
    text = name[len(before) : len(name) - len(after)]
    version = read(text)
    return version if version is not None and str(version) == text else None


def kind(version: Version) -> Kind:
    """Return what sort of version this is, in the words of the publishers' settings."""
    if version.pre is not None:
        return _KINDS[version.pre[0]]
    return "ga" if version.dev is None else "dev"


def is_final(version: Version) -> bool:
    """Whether this is X.Y.Z without any suffix."""
    return version.pre is None and version.dev is None


def release_segment(version: Version) -> Version:
    """Return X.Y.Z alone."""
    return Version(version.base_version)


def increment(version: Version, part: str) -> Version:
    """Count up the major, minor or patch number of the release segment; the numbers right of it become 0."""
    major, minor, patch = version.release
    if part == "major":
        return Version(f"{major + 1}.0.0")
    if part == "minor":
        return Version(f"{major}.{minor + 1}.0")
    return Version(f"{major}.{minor}.{patch + 1}")


def next_development(version: Version, next_part: str) -> Version:
    """Return what opens after `version` is out: `next_part` counted up, as .dev0."""
    return Version(f"{increment(version, next_part)}.dev0")


def next_candidate(release: Version, phase: Phase, tags: Iterable[Version]) -> Version:
    """Return the aN, bN or rcN of `release`, with N = 1 + the largest N that is tagged."""
    letter = _LETTERS[phase]
    numbers = [tag.pre[1] for tag in tags if tag.pre and tag.pre[0] == letter and tag.release == release.release]
    return Version(f"{release.base_version}{letter}{max(numbers, default=0) + 1}")


def bump(
    part: str,
    *,
    current: Version | None,
    tags: Iterable[Version],
    reachable: Version | None,
    next_part: str = "minor",
) -> Version:
    """Return the version that `part` makes of VERSION.

    `current` is VERSION, `tags` are all version tags that exist, here or on the remote, `reachable` is the greatest
    GA tag that can be reached. major, minor and patch count from the greater of `reachable` and a final VERSION.
    alpha, beta and rc keep the release segment of a dev, pre-release or untagged VERSION (else `next_part` comes
    first) and take 1 + the largest tagged N: an untagged 1.1.0rc1 stays 1.1.0rc1, and tagging is what counts on.
    dev counts on from devN; otherwise it opens what comes after the release segment. Whether the result may be
    released is for `check_new`.

    Raises:
        ReleaseError: no such part, or `next`, which comes from commits by `next_version` (exit 2); `final` without
            a VERSION (exit 3).
    """
    known = tuple(tags)
    final = current if current is not None and is_final(current) else None
    last = max(reachable or _ZERO, final or _ZERO)
    if part in {"major", "minor", "patch"}:
        return increment(last, part)
    if part in _LETTERS:
        opened = current is not None and current not in {tag for tag in known if is_final(tag)}
        release = release_segment(current) if current is not None and opened else increment(last, next_part)
        return next_candidate(release, cast("Phase", part), known)
    if part == "final":
        if current is None:
            raise refusal("there is no VERSION whose suffix could be dropped", "write VERSION, or name the version")
        return release_segment(current)
    if part == "dev":
        if current is not None and current.dev is not None:
            return Version(f"{current.base_version}.dev{current.dev + 1}")
        return next_development(max(last, release_segment(current or _ZERO)), next_part)
    raise _unknown_part(part)


def _unknown_part(part: str) -> ReleaseError:
    if part == "next":
        return usage("the part 'next' needs the commits since the last release", "name the version or another part")
    return usage(f"{part[:LONGEST]!a} is not a part of a version", f"parts: {', '.join(PARTS)}")


def check_new(version: Version, *, reachable_ga: Iterable[Version], tags: Iterable[Version]) -> tuple[Problem, ...]:
    """Say what keeps `version` from being released next.

    It has to be greater than every GA tag reachable from the branch that will receive it (`reachable_ga`) and than
    every one of `tags` with its own X.Y.Z; pre-release tags of another X.Y.Z do not count.
    """
    own = max((tag for tag in tags if tag.release == version.release and tag >= version), default=None)
    newer = max((tag for tag in reachable_ga if is_final(tag) and tag >= version), default=None)
    problems = []
    if own is not None:
        why = "exists already" if own == version else f"is not newer than {own}, which is tagged"
        problems.append(Problem(what=f"{version} {why}", hint=_above(own)))
    if newer is not None and newer != own:
        hint = "; ".join(filter(None, (_above(newer), older_line(version, tags))))
        problems.append(Problem(what=f"{version} is not newer than {newer}, which is released", hint=hint))
    return tuple(problems)


def older_line(version: Version, tags: Iterable[Version]) -> str:
    """Return how a version of an older line is released; "" when nothing of that line X.Y ever was."""
    if not any(is_final(tag) and tag.release[:2] == version.release[:2] for tag in tags):
        return ""
    return f"an older line is released from its own branch: invoke support.start {version.major}.{version.minor}"


def _above(version: Version) -> str:
    following = increment(version, "patch") if is_final(version) else release_segment(version)
    return f"choose a version above {version}, such as {following}"


def next_version(messages: Iterable[str], last: Version | None) -> Version:
    """Return the version that the commits since `last` ask for (Conventional Commits 1.0.0, SemVer 2.0.0).

    From 1.0.0 on a breaking change counts up major, a `feat` minor, anything else patch. Below it (SemVer §4:
    anything may change) a breaking change and a `feat` count up minor, anything else patch. Reverts and fixups
    are changes like others; merge commits say nothing of their own. Without `last` it counts from 0.0.0.

    Raises:
        ReleaseError: there are no commits, or only merges (exit 3).
    """
    from release import conventional  # noqa: PLC0415  # only this question is about commits

    commits = [commit for commit in map(conventional.read, messages) if commit.breaking or not commit.is_merge]
    if not commits:
        since = f"since {last}" if last is not None else "yet: there are no commits"
        raise refusal(f"nothing to release {since}", "name a version to release all the same")
    start = release_segment(last) if last is not None else _ZERO
    if any(commit.breaking for commit in commits):
        return increment(start, "major" if start.major else "minor")
    return increment(start, "minor" if any(commit.is_feature for commit in commits) else "patch")
