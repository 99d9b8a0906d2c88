"""A build backend in a file of its own, that needs nothing: projects of tests have it in their tree.

Also the archives that it makes, to be made wrong.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

METADATA = """\
Metadata-Version: 2.1
Name: {name}
Version: {version}
Summary: A demo
Description-Content-Type: {kind}

{readme}
"""
WHEEL = "Wheel-Version: 1.0\nGenerator: tiny\nRoot-Is-Purelib: {pure}\nTag: {tag}\n"


def metadata(version: str, *, name: str = "demo", readme: str = "Words.", kind: str = "text/markdown") -> str:
    return METADATA.format(name=name, version=version, readme=readme, kind=kind)


def wheel(tag: str) -> str:
    return WHEEL.format(tag=tag, pure="true" if tag.endswith("-none-any") else "false")


def digest(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def write_wheel(
    folder: Path,
    version: str,
    files: dict[str, str],
    *,
    said: str = "",
    about: str = "",
    record: Any = None,
    tag: str = "py3-none-any",
) -> str:
    """Write a wheel of these files.

    `said` is METADATA, `about` is WHEEL, `record` changes the rows [path, hash, size] of RECORD.
    """
    info = f"demo-{version}.dist-info"
    contents = {**files, f"{info}/METADATA": said or metadata(version), f"{info}/WHEEL": about or wheel(tag)}
    rows = [[path, digest(text.encode()), str(len(text.encode()))] for path, text in contents.items()]
    rows.append([f"{info}/RECORD", "", ""])
    if record is not None:
        record(rows)
    contents[f"{info}/RECORD"] = "".join(f"{','.join(row)}\n" for row in rows)
    name = f"demo-{version}-{tag}.whl"
    with zipfile.ZipFile(folder / name, "w") as archive:
        for path, text in contents.items():
            archive.writestr(zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0)), text)
    return name


def write_sdist(folder: Path, version: str, files: dict[str, str], *, said: str = "", top: str = "") -> str:
    """Write an sdist of these files, by paths below its top folder; other paths begin with `/`."""
    name = f"demo-{version}.tar.gz"
    contents = {"PKG-INFO": said or metadata(version), **files}
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    with (
        (folder / name).open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=epoch) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for path, text in contents.items():
            member = tarfile.TarInfo(path[1:] if path.startswith("/") else f"{top or f'demo-{version}'}/{path}")
            data = text.encode()
            member.size, member.mtime = len(data), epoch
            archive.addfile(member, io.BytesIO(data))
    return name


def _sources() -> dict[str, str]:
    """Return what the sdist holds of the project in the current folder."""
    wanted = [
        path for path in Path().rglob("*") if path.is_file() and not {".git", ".nox", "__pycache__"} & set(path.parts)
    ]
    return {str(path): path.read_text() for path in sorted(wanted) if path.name != "PKG-INFO"}


def build_sdist(folder: str, settings: object = None) -> str:
    del settings
    return write_sdist(Path(folder), Path("VERSION").read_text().strip(), _sources())


def build_wheel(folder: str, settings: object = None, metadata_folder: object = None) -> str:
    del settings, metadata_folder
    files = {path: text for path, text in _sources().items() if path.startswith("demo/")}
    return write_wheel(Path(folder), Path("VERSION").read_text().strip(), files)
