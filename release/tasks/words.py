"""What the flags of several tasks mean, said once."""

from __future__ import annotations

DRY_RUN = "show diffs, ref moves and tree ids of the very objects a real run uses; change nothing"
YES = "do not ask"
VERSION_OR_PART = "a version, or major minor patch alpha beta rc final next"
RELEASE = "the release (default: the current branch, or the only one)"
NAME = "the {}, with or without the branch's prefix (default: the current branch, or the only one)"
PUSH = "push the new branch"
NO_PUSH = "make everything here and push nothing"
KEEP = "keep the branch, here and at the remote"
REMOTE = "also delete the branch at the remote, if it still is where it was seen"
MESSAGE = "the message of the tag"
PUBLISH = "then upload what was built, as publish does: the forge's page stays a draft"
RECEIPTS = "a folder with signed receipts from a CI: the gates that they cover are not run again"
ALLOW_EMPTY = "accept a changelog section without entries"

CHANGING = {"dry-run": DRY_RUN, "yes": YES}
TAGGING = {"message": MESSAGE, "message-file": "a file with the message of the tag"}
# What release.finish and hotfix.finish have in common.
FINISHING = {
    "no-push": NO_PUSH,
    "keep": KEEP,
    **TAGGING,
    "pr": "push the branch for a pull request; when it is merged, finish again",
    "commit": "what landed of the branch, if that is not plain",
    "allow-empty": ALLOW_EMPTY,
    "receipts": RECEIPTS,
    "publish": PUBLISH,
    **CHANGING,
}
