"""A repository's own cliff.toml: it means what it means to git-cliff, and what it may not do it does not do."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from commits import History

from release.errors import Exit, ReleaseError
from release.steps import notes

TEMPLATE = "{% for c in commits %}- [{{ c.group }}] {{ c.message }}\\n{% endfor %}"
BODY = f'[changelog]\nbody = "{TEMPLATE}"\ntrim = false\n[git]\n'
MESSAGES = [
    "feat: one",
    "feat(ui)!: two",
    "fix: three\n\nBREAKING CHANGE: x",
    "chore: four",
    "chore!: five",
    "docs: six",
    "Merge branch 'x'",
    "no type at all",
    "other(scope): seven",
    "fix(skip): eight",
    "first line\nfeat: second line\nchore: third line",
]


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


def refused(history: History, cliff: str, says: str, code: Exit) -> str:
    with pytest.raises(ReleaseError, match=says) as caught:
        history.render(cliff=cliff)
    assert caught.value.exit is code
    assert "/tmp" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "rules",
    [
        "",
        "filter_unconventional = false",
        "conventional_commits = false",
        "conventional_commits = false\ncommit_parsers = [{ message = 'chore', skip = true }]",
        "filter_commits = true\ncommit_parsers = [{ message = '^f', group = 'A' }, { body = '.', skip = true }]",
        "commit_parsers = [{ message = '^feat', group = 'A' }]",
        "commit_parsers = [{ message = '^chore', group = 'C', skip = true }]\nprotect_breaking_commits = true",
        "commit_parsers = [{ message = '^chore', skip = true }]\nprotect_breaking_commits = true",
        "commit_parsers = [{ message = '^(\\w+)\\(', group = 'by $1' }, { message = 'one', group = 'y' }]",
        "commit_parsers = [{ footer = '^BREAKING', group = 'B' }, { body = '.', group = 'body' }]",
        "commit_parsers = [{ field = 'author.name', pattern = 'Ann', group = 'by Ann' }]",
        "split_commits = true\nfilter_unconventional = false\ncommit_parsers = [{ message = '^chore', skip = true }]",
        "split_commits = true",
        "processing_order = ['split_commits', 'conventional_commits', 'commit_parsers']\nsplit_commits = true",
        "commit_preprocessors = [{ pattern = '^no type', replace = 'feat: a type' }]",
        "sort_commits = 'newest'\ntopo_order_commits = false",
        "limit_commits = 3",
    ],
)
def test_commits_are_chosen_and_grouped_as_git_cliff_does(history: History, tmp_path: Path, rules: str) -> None:
    start = history.commit("feat: before")
    for message in MESSAGES:
        history.commit(message)
    cliff = BODY + rules
    config = tmp_path / "cliff.toml"
    config.write_text(cliff)
    program = notes._program()  # noqa: SLF001  # the same one
    plain = subprocess.check_output(
        [program, "--offline", "-c", config, "--", f"{start}..main"],
        cwd=history.path,
        text=True,
        stderr=subprocess.PIPE,
    )
    assert "- [" in plain
    assert history.entries(start, cliff=cliff) == [line[2:] for line in plain.split("\n") if line.startswith("- ")]


def test_a_parser_for_one_commit_knows_it_by_its_real_id(history: History) -> None:
    history.commit("feat: told")
    hidden = history.commit("feat: hidden")
    moved = history.commit("feat: moved")
    parsers = f"commit_parsers = [{{ sha = '{hidden.upper()}', skip = true }}, {{ sha = '{moved}', group = 'M' }}]"
    assert history.entries(cliff=BODY + parsers) == ["[feat] told", "[M] moved"]


def test_rules_that_forbid_commits_name_them(history: History) -> None:
    history.commit("feat: fine")
    bad = history.commit("what \x1b[31mis\x1b[0m this")
    skipped = "commit_parsers = [{ message = '^what', skip = true }, { message = '.*', group = 'x' }]\n"
    said = refused(history, BODY + "require_conventional = true", "is not conventional", Exit.REFUSED)
    assert f"{bad[:12]} 'what is this'" in said
    assert history.entries(cliff=BODY + "require_conventional = true\n" + skipped) == ["[x] fine"]
    unmatched = "fail_on_unmatched_commit = true\nfilter_unconventional = false\n"
    parsers = "commit_parsers = [{ message = '^feat', group = 'x' }]"
    said = refused(history, BODY + unmatched + parsers, "matched by no parser", Exit.REFUSED)
    assert bad[:12] in said
    assert history.entries(cliff=BODY + "fail_on_unmatched_commit = true\n" + parsers) == ["[x] fine"]


def test_a_commit_that_git_cliff_drops_for_no_rule_is_named(history: History) -> None:
    """A parser whose field is a table makes git-cliff drop every commit that reaches it."""
    lost = history.commit("feat: lost")
    said = refused(
        history,
        BODY + "commit_parsers = [{ field = 'author', pattern = 'x', group = 'y' }]",
        "left out by git-cliff",
        Exit.REFUSED,
    )
    assert f"{lost[:12]} 'feat: lost'" in said


def test_many_commits_are_named_in_short(history: History) -> None:
    for number in range(8):
        history.commit(f"number {number}")
    said = refused(history, BODY + "require_conventional = true", "8 commits are not conventional", Exit.REFUSED)
    assert "number 4" in said
    assert "number 5" not in said
    assert "and 3 more" in said


@pytest.mark.parametrize(
    ("cliff", "says"),
    [
        ("[changelog]\nbody = '{{ nowhere }}'", "nowhere"),
        ("[changelog]\nbody = '{% for'", "cannot work with cliff.toml"),
        ("[git]\ncommit_parsers = [{ message = '(', group = 'x' }]", "regex"),
        ("[git]\nsort_commits = 3\n[changelog]\nbody = 7\ntrim = 'x'", "cannot work with cliff.toml"),
        ("[git]\nfilter_unconventionl = true", "filter_unconventional"),
        ("[changelog]\nbodi = ''", r"nearest: body"),
        ("[chanelog]\nbody = ''", r"nearest: changelog"),
        ("[[git.commit_parsers]]\nmesage = 'x'", r"git\.commit_parsers\.mesage.*nearest: message"),
        ("[git]\nfilter_commits = 'yes'", "neither true nor false"),
        ("[git]\ncommit_parsers = 'x'", "list of tables"),
        ("[git.commit_parsers]\nmessage = 'x'", "list of tables"),
        ("git = 3", "git has to be a table"),
        ("[remote.github]\nonwer = 'x'", "owner"),
        ("not toml", "cannot be read"),
    ],
)
def test_a_faulty_configuration_is_bad_input(history: History, cliff: str, says: str) -> None:
    history.commit("feat: x")
    refused(history, cliff, says, Exit.USAGE)


def test_all_faults_are_named_at_once(history: History) -> None:
    history.commit("feat: x")
    said = refused(history, "[git]\nfoo = 1\n[changelog]\nbar = 1\n[baz]\n", "git.foo", Exit.USAGE)
    assert all(word in said for word in ("changelog.bar", "baz"))


def test_an_empty_configuration_is_git_cliffs_own(history: History) -> None:
    for message in ("feat: x", "chore(release): prepare for 1.0.0", "untyped"):
        history.commit(message)
    text = history.render(cliff="\ufeff")
    assert "### 🚀 Features\n" in text
    assert text.count("\n- ") == 1


def test_the_environment_and_commands_are_out_of_reach(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    monkeypatch.setenv("GIT_CLIFF__CHANGELOG__BODY", "- taken over")
    monkeypatch.setenv("GIT_CLIFF_CONFIG", "/nowhere")
    ran = tmp_path / "ran"
    command = f"replace_command = 'touch {ran}'"
    history.commit("feat: told")
    names = ("GITHUB_TOKEN", "PATH", "USER", "SOURCE_DATE_EPOCH", "GIT_AUTHOR_DATE")
    calls = " ".join(f'{{{{ get_env(name="{name}", default="nothing") }}}}' for name in names)
    cliff = (
        f"[changelog]\nbody = '''{calls} {{% for c in commits %}}{{{{ c.message }}}}{{% endfor %}}'''\n"
        f"postprocessors = [{{ pattern = '.*', {command} }}, {{ pattern = 'told', replace = 'TOLD' }}]\n"
        f"output = '{tmp_path / 'out'}'\n"
        f"[git]\ncommit_preprocessors = [{{ pattern = '.*', {command} }}]\n"
    )
    assert history.render(cliff=cliff).endswith(f"\n\n{'nothing ' * len(names)}TOLD\n")
    assert not ran.exists()
    assert not (tmp_path / "out").exists()


def test_files_of_the_repository_and_the_user_have_no_say(history: History) -> None:
    home = Path.home() / ".config" / "git-cliff"
    home.mkdir(parents=True)
    (home / "cliff.toml").write_text("[changelog]\nbody = '- from home'\n")
    told = history.commit("feat: told")
    (history.path / ".cliffignore").write_text(told)
    (history.path / ".git-blame-ignore-revs").write_text(told)
    (history.path / "cliff.toml").write_text("[changelog]\nbody = '- from here'\n")
    assert history.entries() == ["Told"]


def test_markup_that_the_configuration_makes_is_kept(history: History) -> None:
    history.commit("feat: it (#12) and [not](javascript:x)")
    cliff = (
        "[changelog]\nbody = '''{% for c in commits %}- {{ c.message }} "
        "{% for l in c.links %}[{{ l.text }}]({{ l.href }}){% endfor %} <br>\n{% endfor %}'''\n"
        "postprocessors = [{ pattern = '<REPO>', replace = 'https://example.org/r' }]\n"
        "[git]\ncommit_preprocessors = [{ pattern = '\\(#([0-9]+)\\)', replace = '([#$1](<REPO>/issues/$1))' }]\n"
        "link_parsers = [{ pattern = '#([0-9]+)', href = 'https://example.org/i/$1', text = 'issue $1' }]\n"
    )
    made = "([#12](https://example.org/r/issues/12))", "[issue 12](https://example.org/i/12)"
    assert history.entries(cliff=cliff) == [f"it {made[0]} and [not]\\(javascript:x) {made[1]} <br>"]


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("## [{{ version }}] - 2020-01-01\n- x", "- x"),
        ("# Release {{ version }}\n\n## Features\n- x\n### Sub\n- y", "### Features\n- x\n#### Sub\n- y"),
        ("## Features\n- x", "### Features\n- x"),
        ("- x", "- x"),
        ("<a name='x'></a>\n## {{ version }}\n\n\n\n- x\n\n\n", "<a name='x'></a>\n\n- x"),
        ("## [unreleased]\n- x\n## Contributors\n- y", "- x\n### Contributors\n- y"),
        ("- x\n```\n## {{ version }}\n\n\n# code\n```", "- x\n```\n## v1.1.0\n\n\n# code\n```"),
        ("###### Six\n- x", "###### Six\n- x"),
        ("## [{{ version }}]\n\n", ""),
        ("\n\n", ""),
    ],
)
def test_the_heading_is_ours_whatever_a_template_prints(history: History, template: str, text: str) -> None:
    history.commit("feat: x")
    cliff = f"[changelog]\nheader = '# Never'\nfooter = 'never'\ntrim = false\nbody = '''\n{template}'''\n"
    wanted = f"## [1.1.0] - 2026-01-31\n\n{text}\n" if text else ""
    assert history.render(cliff=cliff, tag="v1.1.0") == wanted


def test_statistics_and_paths_look_at_the_files(history: History) -> None:
    root = history.commit("feat: root", tree=history.file("a", b"1\n"))
    history.commit("fix: two (#1)", tree=history.file("a", b"1\n2\n3\n"))
    history.commit("chore: skipped (#1)", tree=history.file("b", b"1\n"))
    history.count += 2 * 24 * 60
    history.commit("fix: three (#1)", tree=history.file("b", b"2\n"))
    body = (
        "[changelog]\nbody = '''{% for c in commits %}- {{ c.message }} +{{ c.statistics.additions }}\n{% endfor %}"
        "{{ statistics.commit_count }} {{ statistics.conventional_commit_count }} {{ statistics.commits_timespan }} "
        "{{ statistics.links | length }} {{ statistics.links.0.count }}'''\n[git]\n"
        "commit_parsers = [{ message = '^chore', skip = true }]\n"
        "link_parsers = [{ pattern = '#([0-9]+)', href = 'https://example.org/$1' }]\n"
    )
    text = history.render(root, cliff=body)
    assert text.endswith("- two (#1) +2\n- three (#1) +1\n2 2 2 1 2\n")
    chosen = BODY + "commit_parsers = []\n"
    assert history.entries(cliff=chosen + "include_paths = ['a']") == [
        *["[feat] root", "[fix] two (#1)", "[chore] skipped (#1)"]  # which deletes a
    ]
    assert history.entries(root, cliff=chosen + "exclude_paths = ['b']") == ["[fix] two (#1)", "[chore] skipped (#1)"]


def test_types_of_the_packaged_configuration(history: History) -> None:
    for kind in (
        *("feat", "add", "fix", "perf", "refactor", "deprecate", "remove", "security", "fix(security)", "unknown"),
        *("docs", "ci", "test", "tests", "chore", "style", "build", "release", "wip", "chore(release)", "build(deps)"),
    ):
        history.commit(f"{kind}: by {kind}")
    history.commit('Revert "feat: an idea"\n\nThis reverts commit 1.\n')
    history.commit("build!: needs Python 3.10")
    history.commit("Merge branch 'release/v1.0.0'")
    sections = history.render().split("### ")[1:]
    assert [section.split("\n", 1)[0] for section in sections] == [
        *["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
    ]
    assert [section.count("\n- ") for section in sections] == [2, 5, 1, 1, 1, 2]
    assert "- **breaking:** Needs Python 3.10\n" in sections[1]
    assert '- Revert "an idea"\n' in sections[1]
