"""What a configured value may be: in words, as JSON Schema, and as the function that reads it."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any, NamedTuple

from release import image
from release.errors import Exit, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_LONGEST_SHOWN = 60  # characters of a wrong value in a message
_MOST = 1_000_000  # sites or hours; more is a slip
_LAST_STATUS = 255  # that a program can end with
_FOUND = {str: "a string", bool: "a boolean", int: "an integer", float: "a number", list: "a list", dict: "a table"}
_NOT_IN_A_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|//|@\{")

# What may stand for a placeholder: one example, and the expression that every example fits.
_PLACEHOLDERS = {
    "version": ("1.2.3", r"\d[\da-z.]*"),
    "name": ("x", r".+"),
    "line": ("1.x", r"\d[\dx.]*"),
}


class Place:
    """Where a value stands, such as `pyproject.toml: tool.release.gates`, and the list that takes its problems."""

    def __init__(self, problems: list[Problem], path: str) -> None:
        self._problems = problems
        self._path = path

    @property
    def count(self) -> int:
        """How many problems there are by now, here and elsewhere."""
        return len(self._problems)

    def inside(self, step: str) -> Place:
        """Return the place one key or one list index further in."""
        return Place(self._problems, f"{self._path}{step}")

    def wrong(self, what: str, hint: str) -> None:
        """Note a problem; reading goes on, so that all of them are shown together."""
        self._problems.append(Problem(what=f"{self._path} {what}", hint=hint, exit=Exit.USAGE))

    def is_a(self, kind: type, value: object, wanted: str) -> bool:
        """Whether `value` is of exactly this type (a boolean is no integer); if not, note that."""
        if type(value) is kind:
            return True
        self.wrong(f"is {_FOUND.get(type(value), 'a date or a time')}: {shown(value)}", f"wanted: {wanted}")
        return False


class Shape(NamedTuple):
    """What a value may be; `read` returns it made immutable, and notes at the place what is wrong with it."""

    wanted: str
    schema: dict[str, Any]
    read: Callable[[Any, Place], Any]


def shown(value: object) -> str:
    """Return the value on one line, cut short, with control and direction characters escaped."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer or a list that Python refuses to write out
        return "a value too long to show"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def nearest(word: str, words: Iterable[str]) -> str:
    """Return the hint for an unknown word: the known one it resembles, else all that are known."""
    import difflib  # noqa: PLC0415  # only a slip needs it

    known = tuple(words)
    close = difflib.get_close_matches(word[:_LONGEST_SHOWN], known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"


def text(wanted: str, objection: Callable[[str], str], **schema: object) -> Shape:
    """Return the shape of a string to which `objection` (what is wrong with it, or "") has none."""

    def read(value: Any, place: Place) -> Any:
        if place.is_a(str, value, wanted) and (why := objection(value)):
            place.wrong(f"= {shown(value)} {why}", f"wanted: {wanted}")
        return value

    return Shape(wanted, {"type": "string", **schema}, read)


def optional(shape: Shape) -> Shape:
    """Return the shape of a string that may also be "", which is the same as not written."""

    def read(value: Any, place: Place) -> Any:
        return value if value == "" else shape.read(value, place)

    return Shape(shape.wanted, {"anyOf": [{"const": ""}, shape.schema]}, read)


def choice(*words: str) -> Shape:
    """Return the shape of one of `words`."""
    wanted = ", ".join(words)

    def read(value: Any, place: Place) -> Any:
        if place.is_a(str, value, f"one of {wanted}") and value not in words:
            place.wrong(f"= {shown(value)} is unknown", nearest(value, words))
        return value

    return Shape(wanted, {"enum": list(words)}, read)


def list_of(item: Shape, wanted: str) -> Shape:
    """Return the shape of a list without repetitions, which is read as a tuple."""

    def read(value: Any, place: Place) -> Any:
        if not place.is_a(list, value, wanted):
            return ()
        before = place.count
        items = tuple(item.read(one, place.inside(f"[{number}]")) for number, one in enumerate(value))
        if place.count == before and len(set(items)) < len(items):
            place.wrong(f"= {shown(value)} names something twice", f"wanted: {wanted}")
        return items

    return Shape(wanted, {"type": "array", "items": item.schema, "uniqueItems": True}, read)


def _read_flag(value: Any, place: Place) -> Any:
    place.is_a(bool, value, FLAG.wanted)
    return value


def _read_count(value: Any, place: Place) -> Any:
    if place.is_a(int, value, COUNT.wanted) and not 1 <= value <= _MOST:
        place.wrong(f"= {shown(value)} is out of range", f"wanted: {COUNT.wanted}")
    return value


def _read_status(value: Any, place: Place) -> Any:
    if place.is_a(int, value, STATUS.wanted) and not 0 <= value <= _LAST_STATUS:
        place.wrong(f"= {shown(value)} is out of range", f"wanted: {STATUS.wanted}")
    return value


def _read_command(value: Any, place: Place) -> tuple[str, ...]:
    """Read a list of words (an empty one is as good as none), or a line, split as a POSIX shell would split it."""
    words = value
    if not isinstance(value, list):
        if not place.is_a(str, value, COMMAND.wanted):
            return ()
        try:
            words = shlex.split(value)
        except ValueError as error:
            place.wrong(f"= {shown(value)} cannot be split into words: {error}", f"wanted: {COMMAND.wanted}")
            return ()
    if value != [] and not (words and words[0] and all(isinstance(one, str) and "\0" not in one for one in words)):
        place.wrong(f"= {shown(value)} is no command", f"wanted: {COMMAND.wanted}")
        return ()
    return tuple(words)


def ref_objection(name: str) -> str:
    """Say why git would not take `name` for a branch or tag (git check-ref-format --branch); "" when it would."""
    found = _NOT_IN_A_REF.search(name)
    parts = name.split("/")
    objections = (
        (name in {"", "@", "HEAD"}, "is no name for git"),
        (found is not None, f"holds {found[0]!r}, which git allows in no name" if found else ""),
        (name.startswith(("-", "/")), f"starts with {name[:1]!r}, which git does not allow"),
        (name.endswith(("/", ".")), f"ends with {name[-1:]!r}, which git does not allow"),
        (any(part.startswith(".") for part in parts), 'has a part that starts with ".", which git does not allow'),
        (any(part.endswith(".lock") for part in parts), 'has a part that ends with ".lock", which git does not allow'),
    )
    return next((why for is_so, why in objections if is_so), "")


def _path_objection(path: str) -> str:
    parts = path.split("/")
    if not path.isprintable():
        return "holds a control character"
    if path.startswith("/") or ".." in parts:
        return "leaves the repository"
    if any(part in {"", "."} for part in parts):
        return 'has an empty or a "." part'
    return "leads into .git" if any(part.lower() == ".git" for part in parts) else ""


def _word_objection(word: str) -> str:
    if not word.strip() or not word.isprintable():
        return "is empty or holds a control character"
    return "starts with a hyphen" if word.startswith("-") else ""  # it becomes an argument


def _pointer_objection(pointer: str) -> str:
    return "" if re.fullmatch(r"(?:/(?:[^~/]|~[01])*)+", pointer) else "is no JSON pointer (RFC 6901)"


def _signer_objection(name: str) -> str:
    if set(name) & set(' ,*?!"'):
        return "holds a blank or what makes a pattern of a name"
    return _word_objection(name)


def _regex_objection(pattern: str) -> str:
    if pattern.count("{version}") != 1:
        return "does not hold {version} exactly once"
    try:
        re.compile(pattern.replace("{version}", "(?P<version>1)"))
    except (re.error, OverflowError, RecursionError) as error:
        return f"is no regular expression: {error}"
    return ""


def _url_objection(url: str) -> str:
    if not url.isprintable() or " " in url:
        return "holds a blank or a control character"
    if not re.match(r"https?://[^/?#]", url):
        return "does not start with https:// or http:// and a host"
    if "@" in re.split(r"[/?#]", url, maxsplit=3)[2]:
        return "holds a user or a password, which everybody could read"
    return "has a query or a fragment, where secrets are" if set(url) & set("?#") else ""


def ref_pattern(placeholder: str) -> Shape:
    """Return the shape of a ref name in which `{placeholder}` stands once, and no other brace."""
    braced = f"{{{placeholder}}}"

    def objection(pattern: str) -> str:
        constant = pattern.replace(braced, "", 1)
        if constant == pattern or "{" in constant or "}" in constant:
            return f"does not hold {braced} exactly once and no other brace"
        return ref_objection(fill(pattern, _PLACEHOLDERS[placeholder][0]))

    return text(f"a ref name with {braced} in it", objection, pattern=rf"^[^{{}}]*\{{{placeholder}\}}[^{{}}]*$")


def _split(pattern: str) -> tuple[str, str, str]:
    before, _, rest = pattern.partition("{")
    placeholder, _, after = rest.partition("}")
    return before, placeholder, after


def fill(pattern: str, value: str) -> str:
    """Put `value` where the placeholder of a ref pattern stands."""
    before, _, after = _split(pattern)
    return f"{before}{value}{after}"


def unfill(pattern: str, name: str) -> str | None:
    """Return what stands in `name` where the pattern has its placeholder (never ""); None if it does not fit."""
    before, _, after = _split(pattern)
    fits = name.startswith(before) and name.endswith(after) and len(name) > len(before) + len(after)
    return name[len(before) : len(name) - len(after)] if fits else None


def is_ambiguous(pattern: str, other: str) -> bool:
    """Whether a branch named by `other` (a pattern, or a plain name) could be taken for one of `pattern`."""
    placeholder = _split(other)[1]
    found = unfill(pattern, fill(other, _PLACEHOLDERS[placeholder][0]) if placeholder else other)
    return found is not None and re.fullmatch(_PLACEHOLDERS[_split(pattern)[1]][1], found) is not None


_WORDS = {"type": "array", "items": {"type": "string"}}

FLAG = Shape("true or false", {"type": "boolean"}, _read_flag)
COUNT = Shape(f"a whole number from 1 to {_MOST}", {"type": "integer", "minimum": 1, "maximum": _MOST}, _read_count)
STATUS = Shape(
    f"an exit status from 0 to {_LAST_STATUS}",
    {"type": "integer", "minimum": 0, "maximum": _LAST_STATUS},
    _read_status,
)
COMMAND = Shape("a command line or the list of its words", {"anyOf": [{"type": "string"}, _WORDS]}, _read_command)
REF = text("a name that git allows", ref_objection, minLength=1)
PATH = text("a path below the repository's root", _path_objection, minLength=1)
GLOB = text("a glob below the repository's root", _path_objection, minLength=1)
FOLDERS = text("a glob below the repository's root", lambda glob: _path_objection(glob.removesuffix("/")), minLength=1)
URL = text("a URL without user, password and query", _url_objection, pattern=r"^https?://[^/?#@\s]+(?:/[^?#\s]*)?$")
SESSION = text("the name of a nox session", _word_objection, minLength=1)
SLUG = text(
    "OWNER/NAME",
    lambda name: "" if re.fullmatch(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+", name) else "is not OWNER/NAME",
    pattern=r"^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$",
)
SIGNER = text("a name in git's file of allowed signers", _signer_objection, minLength=1)
KEY = text("a dotted key", _word_objection, minLength=1)
REGEX = text("a regular expression with {version} in it", _regex_objection, pattern=r"\{version\}")
IMAGE = text("an image's name without its tag", image.name_objection, minLength=1, maxLength=image.LONGEST)
POINTER = text("a JSON pointer, such as /findings", _pointer_objection, pattern=r"^(/([^~/]|~[01])*)+$")
