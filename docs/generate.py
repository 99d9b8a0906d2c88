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
DOCUMENTS = ("README.md", "docs/configuration.md", "docs/git-flow.md")
EPOCH = "1767225600"  # 2026-01-01, the day on which every transcript plays
FILES = {
    "VERSION": "0.9.0\n",
    "pyproject.toml": """\
[project]
name = "demo"
version = "0.9.0"
dependencies = ["attrs>=22"]

[tool.mypy]
python_version = "0.9.0"

[tool.release]
gates = []
""",
    "src/demo/__init__.py": '__version__ = "0.9.0"\n',
    "chart/Chart.yaml": 'name: demo\nversion: 0.9.0\nappVersion: "0.9.0"\n',
    "tasks.py": "from release import ns\n",
}
NOXFILE = """\
import nox


@nox.session(python=False)
def tests(session):
    session.run("python3", "-c", "import src.demo")
"""


def environment(home: Path) -> dict[str, str]:
    """Fixed identity and dates, so that even the commit ids of a transcript repeat."""
    names = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in _PERSON.items()}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "SOURCE_DATE_EPOCH": EPOCH, **names}


DURATION = re.compile(r"\(\d+\.\d s\)")  # of a gate: no two are the same
_PERSON = {"NAME": "Ada", "EMAIL": "ada@example.org", "DATE": f"{EPOCH} +0000"}


def run(argv: list[str], cwd: Path, env: dict[str, str]) -> str:
    """Run a program and return what a person would see of it."""
    done = subprocess.run(argv, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode not in SHOWN:
        raise SystemExit(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout.decode()}")
    return done.stdout.decode()


SHOWN = (0, 3, 6)  # statuses that a transcript may show: done, refused, stopped at a conflict


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
        "@users.py",
        "commit -q -m feat(api):\u00a0list\u00a0the\u00a0users",
        "@files.py",
        "commit -q -m fix:\u00a0close\u00a0the\u00a0file",
        "push -q origin main develop v0.9.0",
    )
    for step in steps:
        if step.startswith("@"):  # a file, to be committed next
            (work / "src/demo" / step[1:]).write_text("...\n")
            run(["git", "add", "-A"], work, env)
            continue
        run(["git", *(word.replace("\u00a0", " ") for word in step.split(" "))], work, env)
    return work


def transcript(*lines: str) -> str:
    """Run commands in the demo project, one after another, and show them with what they print.

    A line that starts with `@` is done and not shown: `@edit FILE OLD NEW` edits, `@write FILE TEXT` makes a file;
    others are commands.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        env = environment(folder)
        work = demo(folder, env)
        shown = []
        for line in lines:
            if line.startswith("@edit "):
                edit(work, *line.split(" ", 3)[1:])
                continue
            if line.startswith("@write "):
                _, path, content = line.split(" ", 2)
                (work / path).write_text(content)
                continue
            words = [word.replace("\u00a0", " ") for word in line.removeprefix("@").split(" ")]
            printed = DURATION.sub("(0.4 s)", run(words, work, env).replace(str(folder), "~"))
            if not line.startswith("@"):
                shown.append(f"$ {line}\n{printed}".replace("\u00a0", " "))
    return "```console\n" + "".join(shown) + "```\n"


def edit(work: Path, path: str, old: str, new: str) -> None:
    """Edit a file as a person would."""
    place = work / path
    text = place.read_text()
    assert old in text, f"{path} does not hold {old!r}"
    place.write_text(text.replace(old, new))


PARTS = {
    "configuration": config.table,
    "targets": lambda: config.table(config.Target(path="")),
    "prepare": lambda: transcript(
        "invoke version",
        "invoke release.prepare next --dry-run",
        "invoke release.prepare next",
        "invoke release.status",
    ),
    "gates": lambda: transcript(
        "@write noxfile.py " + NOXFILE,
        '@edit pyproject.toml [] ["tests"]',
        "@git add -A",
        "@git commit -q -m ci:\u00a0a\u00a0gate",
        "@invoke release.prepare next",
        "invoke release.status",
        "@write notes.txt not committed",
        "invoke scan",
        "invoke release.status",
    ),
    "release": lambda: transcript(
        "@invoke release.prepare next",
        "invoke release.candidate --yes",
        "invoke release.finish --dry-run",
        "invoke release.finish --yes",
        "git log --graph --oneline --decorate -8",
        "invoke release.status",
    ),
    "hotfix": lambda: transcript(
        "@invoke release.prepare next --push --yes",
        "invoke hotfix.start --name leak",
        "@edit src/demo/__init__.py __version__ # closed\n__version__",
        "@git commit -q -a -m fix:\u00a0close\u00a0the\u00a0leak",
        "invoke release.status",
        "invoke hotfix.finish --yes",
        "invoke release.status",
    ),
    "conflict": lambda: transcript(
        "@invoke release.prepare next",
        "@edit pyproject.toml attrs>=22 attrs>=24",
        "@git commit -q -a -m fix:\u00a0a\u00a0newer\u00a0attrs",
        "@git switch -q develop",
        "@edit pyproject.toml attrs>=22 attrs>=23",
        "@git commit -q -a -m build:\u00a0attrs",
        "@git switch -q -",
        "invoke release.finish --yes",
        "git -C ../demo-merge-develop diff",
        "git -C ../demo-merge-develop checkout --theirs pyproject.toml",
        "git -C ../demo-merge-develop add pyproject.toml",
        "invoke release.resume",
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
