"""The whole gate: which image, whether it has to be looked at, what the scanner says, and whether that can be so."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from release import config as configuration
from release import image as images
from release import version as versions
from release.config import SEVERITIES
from release.errors import ReleaseError, usage
from release.gates.image import report
from release.gates.image.scanner import Scanner
from release.gates.results import Result
from release.gates.security import tracked
from release.gates.security.findings import Finding, blind, counted, plain, reasons
from release.gates.security.gate import Looked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from release.config import Config, Image
    from release.gates.image.told import Found, Told
    from release.process import Result as Ran

_VERSION = "VERSION"
_SHOWN = 20  # findings that are named; all are in the details
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "negligible": "note"}
# Files by which scanners leave findings out.
_IGNORING = (".trivyignore", ".trivyignore.yaml", "trivy.yaml", ".grype.yaml", ".grype/config.yaml", ".snyk")
_REMOVE = "or remove [tool.release.image], and image from gates"


class Wanted(NamedTuple):
    """An image to be looked at, and why nobody has to ("" if it has to be)."""

    reference: str
    spared: str = ""


def look(root: Path, env: Mapping[str, str], folder: Path, *, session: str = "image", reference: str = "") -> Looked:
    """Look at the image of the version of the project in `root`, or at `reference`; what cannot be seen is told.

    `env` is what the scanner is started with; `folder`, new and empty, is for its report.
    """
    try:
        config, wanted = _configured(root, reference)
        scanner = Scanner(config.image, root, env)
        place = scanner.find()
        if place is None:
            return Looked(_without(session, scanner, wanted))
        return _looked(session, scanner, place, wanted.reference, folder / "report.json")
    except ReleaseError as error:
        return Looked(Result(session=session, not_looked=reasons(error), advisory=True))


def _configured(root: Path, reference: str) -> tuple[Config, Wanted]:
    """Return the configuration and the image.

    Raises:
        ReleaseError: bad configuration, VERSION or reference (exit 2); none is named (exit 5).
    """
    tree = tracked.tree(root)
    path = "pyproject.toml"
    config = configuration.load(tree.read(path) if tree.has(path) else None, origin=path)
    if reference:
        return config, Wanted(_read(reference))
    image = config.image
    if not image.name:
        raise blind("there is no name in [tool.release.image]: nothing to look at", f"name the image, {_REMOVE}")
    if not tree.has(_VERSION):
        raise blind("git tracks no VERSION, which is the image's tag", "git add VERSION, or say which with --image")
    version = versions.parse_file(tree.read(_VERSION), _VERSION)
    tag = versions.spell(version, versions.Spelling(image.spelling))
    kind = versions.kind(version)
    spared = ""
    if not versions.is_final(version) and kind not in config.publish.image:
        spared = f"{version} is not final, and publish.image does not take {kind}"
    return config, Wanted(f"{image.name}:{tag}", spared)


def _read(reference: str) -> str:
    """Return the reference that was given.

    Raises:
        ReleaseError: it is none, or could mean another image tomorrow (exit 2).
    """
    found = images.read(reference)
    if found is None:
        raise usage(f"--image {plain(reference)} names no image", "wanted: NAME:TAG, or NAME@DIGEST")
    if not found.tag and not found.digest:
        raise usage(f"--image {reference} has neither a tag nor a digest", "wanted: NAME:TAG, or NAME@DIGEST")
    return reference


def _without(session: str, scanner: Scanner, wanted: Wanted) -> Result:
    """Return what there is to say without a scanner: the receipt, if there is one, says that nobody looked.

    A tree has one VERSION, so that what is said of a version that need not be looked at never serves a final one.
    """
    what = plain(f"{scanner.name} is not installed, and nobody has looked at {wanted.reference}")
    if not wanted.spared:
        return Result(session=session, not_looked=(f"{what} (install it, {_REMOVE})",), advisory=True)
    return Result(
        session=session,
        evidence=(f"not looked at: {wanted.reference}; {scanner.name} is not installed; {wanted.spared}",),
        notes=(f"{what}, which the final version has to have: install it",),
        advisory=True,
    )


def _looked(session: str, scanner: Scanner, place: str, reference: str, file: Path) -> Looked:
    """Run the scanner and judge what it left.

    Raises:
        ReleaseError: it has not looked, or its status and its report do not agree (exit 5).
    """
    image = scanner.image
    ran, started = scanner.scan(place, reference, file)
    if ran.status not in {image.clean, image.found}:
        raise blind(scanner.ending(ran), _absent(reference))
    told = _told(scanner, ran, reference, file, started)
    version = plain(told.version or scanner.version(place))
    counting = [one for one in told.findings if one.counts(image.severity)]
    line = _line(told, version, reference, image, len(counting))
    notes = [*map(plain, told.notes), *_ignoring(scanner.root)]
    if ran.status == image.found and not counting:
        if not told.findings:
            raise blind(f"{scanner.ending(ran)}, which means found, but its report has no finding")
        counting = [*told.findings]  # the scanner's own threshold is lower
    elif ran.status == image.clean and counting:
        notes.append(f"{scanner.name} ended with status {ran.status}, which means clean, but its report has findings")
    counting.sort(key=_order)
    findings = [_finding(told, one) for one in counting]
    result = Result(
        session=session,
        evidence=(line,),
        findings=(*map(str, findings[:_SHOWN]), *_more(len(findings))),
        notes=tuple(notes),
        versions={plain(told.tool): version} if version else {},
        details=tuple(_detail(one, found) for one, found in zip(findings, counting, strict=True)),
        advisory=True,
    )
    return Looked(result, tuple(findings[:_SHOWN]))


def _told(scanner: Scanner, ran: Ran, reference: str, file: Path, started: float) -> Told:
    """Return what the report tells of this image.

    Raises:
        ReleaseError: there is none, or it is about another image (exit 5).
    """
    try:
        told = report.load(file, scanner.image, since=started)
    except ReleaseError as error:
        hint = error.problems[0].hint if file.exists() else _absent(reference)
        raise blind(f"{error.problems[0].what}: {scanner.ending(ran)}", hint) from None
    if told.names and not any(images.is_same(reference, name) for name in told.names):
        raise blind(f"{scanner.name} was to look at {reference}, and its report is about {told.names[0]}")
    return told


def _absent(reference: str) -> str:
    return f"if {reference} is not there, build it first"


def _order(found: Found) -> tuple[int, str, str, str]:
    """Return what findings are sorted by: the worst first, and first of all what may be anything."""
    rank = SEVERITIES.index(found.severity) if found.severity else len(SEVERITIES)
    return -rank, found.package, found.version, found.rule


def _finding(told: Told, found: Found) -> Finding:
    return Finding(
        tool=plain(told.tool),
        rule=found.rule,
        text=plain(f"({found.severity or 'severity not known'}) {found.text}"),
        level=_LEVELS.get(found.severity, "error"),
        package=found.package,
        version=found.version,
    )


def _detail(finding: Finding, found: Found) -> dict[str, object]:
    return {**finding._asdict(), "aliases": [], "severity": found.severity, "accepted": False}


def _more(number: int) -> Sequence[str]:
    return (f"and {number - _SHOWN} more, which --json has",) if number > _SHOWN else ()


def _ignoring(root: Path) -> Sequence[str]:
    there = [name for name in _IGNORING if (root / name).exists()]
    return (f"{', '.join(there)}: what the scanner leaves out by it is not in the report",) if there else ()


def _line(told: Told, version: str, reference: str, image: Image, number: int) -> str:
    """Return the line of evidence: what looked at which image, how many findings, and how that was read."""
    identity = f" ({told.identity})" if told.identity else ""
    below = len(told.findings) - number
    less = f", {below} below" if below else ""
    unnamed = "" if told.names else ", which does not name the image"
    found = f"{counted(number, 'finding')} from {image.severity} up{less}"
    who = f"{told.tool} {version}".rstrip()
    return plain(f"{who}: {reference}{identity}, {found}; {told.form}{unnamed}")
