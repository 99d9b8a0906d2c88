"""Trees as merges and comparisons see them: files and sites of each, read once and only where trees differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from release import config as configuration
from release.flows.situation import CONFIG
from release.formats.trees import Reader
from release.git import snapshot
from release.git import worktree as trees
from release.git.history import Released
from release.steps import working_tree
from release.steps.merging import Side

if TYPE_CHECKING:
    from release.config import Config
    from release.flows.situation import Situation
    from release.formats.survey import Survey
    from release.git.snapshot import Snapshot


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Sides:
    """Looks at trees of one situation; the first is listed by git, each other one by what differs from it."""

    scene: Situation
    _files: dict[str, Snapshot] = field(default_factory=dict)
    _configs: dict[str, Config] = field(default_factory=dict)
    _surveys: dict[str, Survey] = field(default_factory=dict)
    _reader: Reader = field(default_factory=Reader)

    def tree_of(self, commit: str) -> str:
        """Return the tree of a commit."""
        return self.scene.objects.commit(commit).tree

    def files(self, tree: str) -> Snapshot:
        """Return the files of a tree; of one that only memory holds once another was looked at."""
        if tree not in self._files:
            if self._files:
                known = next(iter(self._files))
                changes = trees.changes(self.scene.objects, known, tree)
                self._files[tree] = snapshot.derived(self.scene.objects, self._files[known], changes)
            else:
                self._files[tree] = snapshot.of_tree(self.scene.repository, self.scene.objects, tree)
        return self._files[tree]

    def config(self, tree: str, name: str) -> Config:
        """Return the configuration that a tree holds.

        Raises:
            ReleaseError: it cannot be read (exit 2).
        """
        if tree not in self._configs:
            self._configs[tree] = configuration.load(self.files(tree).get(CONFIG), origin=f"{CONFIG} at {name}")
        return self._configs[tree]

    def survey(self, tree: str, name: str, released: Released) -> Survey:
        """Find the sites of a tree by its own configuration, judged by the tag that it builds on."""
        if tree not in self._surveys:
            config = self.config(tree, name)
            self._surveys[tree] = working_tree.survey(
                self.scene.objects, self.files(tree), config, released, reader=self._reader
            )
        return self._surveys[tree]

    def side(self, tree: str, name: str, released: Released) -> Side:
        """Return a tree as one side of a merge; conflict markers call it `name`."""
        return Side(label=name, tree=tree, files=self.files(tree), sites=self.survey(tree, name, released).sites)

    def of_commit(self, commit: str, name: str) -> Side:
        """Return a commit of the object database as a side."""
        return self.side(self.tree_of(commit), name, self.scene.released(commit))

    def sites_of(self, files: Snapshot, config: Config) -> Survey:
        """Find the sites of merged files; whose they are is for the merge to say."""
        return working_tree.survey(self.scene.objects, files, config, Released(), reader=self._reader)
