"""Write, or check, what the documents show of the program: tables from its declarations, transcripts from its runs.

A document holds `<!-- begin NAME -->` and `<!-- end -->`; what stands between is made here. Without `--write`, exits 1
and names the documents that differ.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from release import config

ROOT = Path(__file__).parent.parent
DOCUMENTS = ("README.md", "docs/configuration.md")
EPOCH = "1767225600"  # 2026-01-01, the day on which every transcript plays
FILES = {
    "VERSION": "0.9.0\n",
    "pyproject.toml": '[project]\nname = "demo"\nversion = "0.9.0"\n\n[tool.mypy]\npython_version = "0.9.0"\n',
    "src/demo/__init__.py": '__version__ = "0.9.0"\n',
    "chart/Chart.yaml": 'name: demo\nversion: 0.9.0\nappVersion: "0.9.0"\n',
    "tasks.py": "from release import ns\n",
}


def environment(home: Path) -> dict[str, str]:
    """Fixed identity and dates, so that even the commit ids of a transcript repeat."""
    names = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in _PERSON.items()}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "SOURCE_DATE_EPOCH": EPOCH, **names}


_PERSON = {"NAME": "Ada", "EMAIL": "ada@example.org", "DATE": f"{EPOCH} +0000"}


def run(argv: list[str], cwd: Path, env: dict[str, str]) -> str:
    """Run a program and return what a person would see of it."""
    done = subprocess.run(argv, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True)
    return done.stdout.decode()


def demo(folder: Path, env: dict[str, str]) -> Path:
    """Make a small project with a remote, a release and two commits since."""
    work = folder / "demo"
    run(["git", "init", "-q", "--bare", "-b", "main", "remote.git"], folder, env)
    run(["git", "init", "-q", "-b", "main", str(work)], folder, env)
    run(["git", "remote", "add", "origin", "../remote.git"], work, env)
    for path, content in FILES.items():
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text(content)
    steps = (
        "add -A",
        "commit -q -m feat:\u00a0begin",
        "tag -a v0.9.0 -m v0.9.0",
        "switch -q -c develop",
        "commit -q --allow-empty -m feat(api):\u00a0list\u00a0the\u00a0users",
        "commit -q --allow-empty -m fix:\u00a0close\u00a0the\u00a0file",
        "push -q origin main develop v0.9.0",
    )
    for step in steps:
        run(["git", *(word.replace("\u00a0", " ") for word in step.split(" "))], work, env)
    return work


def transcript(*lines: str) -> str:
    """Run commands in the demo project, one after another, and show them with what they print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        env = environment(folder)
        work = demo(folder, env)
        shown = []
        for line in lines:
            printed = run(line.split(), work, env).replace(str(work), "~/demo")
            shown.append(f"$ {line}\n{printed}")
    return "```console\n" + "".join(shown) + "```\n"


PARTS = {
    "configuration": config.table,
    "targets": lambda: config.table(config.Target(path="")),
    "prepare": lambda: transcript(
        "invoke version",
        "invoke release.prepare next --dry-run",
        "invoke release.prepare next",
        "invoke release.status",
    ),
}


def made(text: str) -> str:
    """Return a document with every part made anew."""
    return re.sub(
        r"(<!-- begin (\w+) -->\n).*?(<!-- end -->)",
        lambda match: f"{match[1]}\n{PARTS[match[2]]()}\n{match[3]}",
        text,
        flags=re.DOTALL,
    )


def main() -> int:
    """Check or write all documents."""
    differing = []
    for name in DOCUMENTS:
        place = ROOT / name
        text = place.read_text()
        new = made(text)
        if new != text:
            differing.append(name)
            if "--write" in sys.argv:
                place.write_text(new)
    for name in differing:
        print(f"{name}: {'written' if '--write' in sys.argv else 'is not what the program shows'}")
    return 1 if differing and "--write" not in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
