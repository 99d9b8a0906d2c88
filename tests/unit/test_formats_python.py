from __future__ import annotations

import pytest

from release.errors import Exit, ReleaseError
from release.formats import FormatError, find


def found(data: bytes, *keys: str) -> list[str]:
    literals = find("python", data, keys or ("__version__",))
    return [f"{data[one.start - 1 : one.end + 1].decode('latin-1')} {one.text}" for one in literals]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"__version__ = '1.0.0'", ["'1.0.0' 1.0.0"]),
        (b'__version__="1.0.0"', ['"1.0.0" 1.0.0']),
        (b"__version__: str = u'1.0.0'\n", ["'1.0.0' 1.0.0"]),
        (b"__version__ = (\n    # 1.0.0\n    R'''1.0.0'''\n)\n", ["'1.0.0' 1.0.0"]),
        (b"a = __version__ = '1.0.0'", ["'1.0.0' 1.0.0"]),
        (b"__version__ \\\n = \\\n '1.0.0'", ["'1.0.0' 1.0.0"]),
        (b"x = 1; __version__ = '1.0.0'; y = '1.0.0'", ["'1.0.0' 1.0.0"]),
        (b"__version__ = '1.0.0'\r\r__version__ = '1.0.1'\r", ["'1.0.0' 1.0.0", "'1.0.1' 1.0.1"]),
        (b"__version__ = ''", ["'' "]),
        (b"with x:\n  if y:\n    pass\n  else:\n    __version__ = '1'", ["'1' 1"]),
        (b"try:\n  pass\nfinally:\n  __version__ = '1'", ["'1' 1"]),
        (b"if '\\d': __version__ = '1'", ["'1' 1"]),
        (b"__version__ = b'1.0.0'", []),
        (b"__version__ = 1.0", []),
        (b"__version__ = f'1.0.0'", []),
        (b"__version__ = '1' + '0'", []),
        (b"__version__ = '1.0.0'.strip()", []),
        (b"__version__: str", []),
        (b"__version__ += '1.0.0'", []),
        (b"__version__, a = '1.0.0', 1", []),
        (b"a.__version__ = '1.0.0'", []),
        (b"a['__version__'] = '1.0.0'", []),
        (b"for __version__ in ('1.0.0',): pass", []),
        (b"def f():\n  __version__ = '1.0.0'", []),
        (b"while x:\n  __version__ = '1.0.0'", []),
        (b"from a import __version__", []),
        (b"this is no Python and does not name it", []),
        (b"# __version__ = '1.0.0'", []),
        (b"# \xc2\xa9\nx = '\xc3\xa9\xf0\x9f\x98\x80'; __version__ = '1.0.0'", ["'1.0.0' 1.0.0"]),
        (b"\xef\xbb\xbfx = '\xc3\xa9'; __version__ = '1.0.0'", ["'1.0.0' 1.0.0"]),
        (b"# coding: cp1252\nx = '\x80\xe9'; __version__ = '1.0.0' # \x80", ["'1.0.0' 1.0.0"]),
        (b"#!x\n# vim: set fileencoding=shift_jis :\nx = '\x83\x65'; __version__ = '1.0.0'", ["'1.0.0' 1.0.0"]),
        (b"# coding: utf-8\nx = '\xe2\x80\xa8'\n__version__ = '1.0.0'", ["'1.0.0' 1.0.0"]),
    ],
)
def test_plain_strings_at_module_level_are_found(data: bytes, expected: list[str]) -> None:
    assert found(data) == expected


def test_any_name_can_be_the_key() -> None:
    data = b"VERSION = '1'\nRELEASE = '2'\nrelease = '3'"
    assert found(data, "RELEASE", "VERSION") == ["'1' 1", "'2' 2"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\n__version__ = '1.0' '.0'", r"line 2.*without escapes"),
        (b"__version__ = '\\x31.0.0'", "without escapes"),
        (b"__version__ = '''1.0\\\n.0'''", "without escapes"),
        (b"__version__ = ('1.0'\n  '.0')", "without escapes"),
        (b"__version__ = '1.0.0", "line 1"),
        (b"print '1.0.0'\n__version__ = '1.0.0'", "line 1"),
        (b"x = '\xe9'\n__version__ = '1.0.0'", "not Python"),
        (b"# coding: no-such\n__version__ = '1.0.0'", "not Python"),
        (b"# coding: hex\n__version__ = '1.0.0'", "not Python"),
        (b"# coding: utf-7\nx = '+AGEAYg-'; __version__ = '1.0.0'", "encoding utf-7"),
        (b"# coding: rot13\n__version__ = '1.0.0'", "not Python"),
        (b"\xef\xbb\xbf# coding: latin-1\n__version__ = '1.0.0'", "not Python"),
        (b"__version__ = '1.0.0'\nx = " + b"(" * 5000, "not Python"),
        (b"__version__ = '1.0.0'\nx = " + b"-" * 100_000 + b"1", "not Python"),
    ],
)
def test_what_cannot_be_edited_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(FormatError, match=why):
        found(data)


def test_a_key_is_a_name() -> None:
    with pytest.raises(ReleaseError, match=r"'a\.b' is not a name") as stopped:
        found(b"", "a.b")
    assert stopped.value.exit is Exit.USAGE
