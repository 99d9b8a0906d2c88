"""Pull requests: what is pushed for one, and the address at which a forge opens it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from release.errors import ReleaseError, usage
from release.flows import commands, moves, publishing
from release.flows.receiving import Incoming, Receiver
from release.formats import changelog as document
from release.git.address import Address, at_github, of, read
from release.plan import Plan, Request, again

if TYPE_CHECKING:
    from release.flows.content import Content
    from release.flows.releasing import Finish
    from release.flows.situation import Branch, Situation
    from release.version import Version

# Hosts, and where they open a request. A host without a dot is a name that only this machine knows.
_FORMS = (
    (r"^(?!.*\.)", ""),
    (r"github", "{page}/compare/{base}...{head}?expand=1"),
    (
        r"gitlab",
        "{page}/-/merge_requests/new?merge_request%5Bsource_branch%5D={from_}&merge_request%5Btarget_branch%5D={into}",
    ),
    (r"^bitbucket\.org$", "{page}/pull-requests/new?source={from_}&dest={into}"),
    (r"^dev\.azure\.com$", "{page}/pullrequestcreate?sourceRef={from_}&targetRef={into}"),
    (r"^codeberg\.org$|gitea|forgejo", "{page}/compare/{base}...{head}"),
)


def plan(run: Finish, final: Content) -> Plan:
    """Plan the push of the branch with its final commit, for a pull request into a protected branch.

    Where git alone would not merge the branch as we do, as when the version of its target has moved, it gets the
    target first: a forge knows nothing of versions.

    Raises:
        ReleaseError: there is no remote (exit 2), or a worktree cannot follow (exit 3).
    """
    scene, subject, wish = run.scene, run.subject, run.wish
    if not scene.world.remote:
        raise usage("there is no remote for a pull request", "leave out --pr")
    commit, tree, notes = _mergeable(run, final)
    scene.writer.flush(commit)
    refs, push = publishing.updates(scene, [publishing.Moved(subject.branch, commit)], None, push=True)
    moved = {ref.name: ref.new for ref in refs if ref.new is not None}
    followed, more, problems = moves.follow(scene, run.probe, moved, [], moves.Landing("", commit))
    if problems:
        raise ReleaseError(problems)
    asked = request(
        scene, subject.branch, subject.target, title=f"Release {subject.version}", body=_section(run, final)
    )
    version = str(subject.version)
    named = {"name": subject.branch.name if wish.flow == "hotfix.finish" else version, "version": version}
    merged = again(wish.flow, {**wish._asdict(), **named, "pr": False})
    return Plan(
        task=run.task,
        top=str(scene.repository.top),
        done=f"{subject.branch.name} is at {scene.world.remote} as {subject.version}, awaiting merge: {asked.address}",
        then=f"when it is merged: invoke {merged}",
        undo="close the request",
        push=push,
        refs=refs,
        worktrees=followed,
        tree=tree,
        commit=commit,
        request=asked,
        notes=(*subject.notes, *notes, *more),
        diffs=final.diffs,
    )


def _mergeable(run: Finish, final: Content) -> tuple[str, str, list[str]]:
    """Return the tip for the request and its tree: the final commit, with the target merged in where git needs that."""
    scene, subject = run.scene, run.subject
    target = subject.target
    bases = run.merging.bases(subject.target_tip, (subject.tip,)).found
    if bases == [subject.target_tip]:
        return final.commit, final.tree, []
    released = scene.released(subject.tip)
    side = run.sides.side(final.tree, subject.branch.name, released)
    incoming = Incoming(side, (subject.tip,), released, subject.version)
    receiver = Receiver(target, subject.target_tip)
    ours = run.merging.into(receiver, incoming, next_part=run.config.next).outcome
    gits = run.merging.merger.merge(
        [run.sides.tree_of(base) for base in bases], run.sides.tree_of(subject.target_tip), final.tree
    )
    if ours.conflicts:
        named = ", ".join(conflict.path for conflict in ours.conflicts)
        return final.commit, final.tree, [f"warning: the request will conflict with {target.name}, in {named}"]
    if not gits.conflicts and gits.tree == ours.tree:
        return final.commit, final.tree, []
    commit = scene.writer.commit(
        tree=ours.tree,
        parents=(final.commit, subject.target_tip),
        message=f"Merge branch '{target.name}' into {subject.branch.name}",
        identity=scene.identity,
    )
    return commit, ours.tree, [f"{target.name} is merged into {subject.branch.name}, so that the request merges"]


def request(scene: Situation, source: Branch, target: Branch, *, title: str, body: str) -> Request:
    """Return a pull request for a plan, to be opened at the configured forge, or at GitHub if the remote is there."""
    url, forge = of(scene.world.remote, cwd=scene.repository.top), scene.config.forge
    return Request(
        repository=forge.repository or at_github(url, forge.api),
        api=forge.api,
        head=source.name,
        base=target.name,
        title=title,
        body=body,
        address=_by_hand(url, scene.world.remote, source, target),
    )


def told(changelog: bytes | None, version: Version, then: str) -> str:
    """Return what a request of a release says: the section of the changelog, and what comes after its merge."""
    section = None if changelog is None else document.section(changelog, str(version))
    return f"{(section or '').partition(chr(10))[2].strip()}\n\nWhen it is merged: `{then}`\n".lstrip()


def _section(run: Finish, final: Content) -> str:
    subject = run.subject
    changelog = run.sides.files(final.tree).get(run.config.changelog)
    return told(changelog, subject.version, commands.invoke(run.wish.flow, "--version", str(subject.version)))


def address(scene: Situation, source: Branch, target: Branch) -> str:
    """Return how to open a pull request: its exact address where the remote is a forge whose addresses are known.

    Nothing of it tells who logs in at the remote.
    """
    return _by_hand(of(scene.world.remote, cwd=scene.repository.top), scene.world.remote, source, target)


def _by_hand(url: str, remote: str, source: Branch, target: Branch) -> str:
    asked = f"open a pull request of {source.name} into {target.name} at"
    found = read(url)
    if found is None:
        return f"{asked} {remote}"
    known = _address(found, source.name, target.name)
    return known or f"{asked} {found.host}/{found.path}"


def _address(at: Address, head: str, base: str) -> str:
    """Return the address of the form for a new request; "" for a forge that nothing is known of."""
    form = next((form for known, form in _FORMS if re.search(known, at.host)), "")
    path = re.sub(r"^v3/([^/]+/[^/]+)/([^/]+)$", r"\1/_git/\2", at.path) if "azure" in at.host else at.path
    return form.format(
        page=f"{at.root}/{path}",
        head=quote(head, safe="/"),
        base=quote(base, safe="/"),
        from_=quote(head, safe=""),
        into=quote(base, safe=""),
    )
