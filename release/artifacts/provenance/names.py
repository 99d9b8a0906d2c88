"""What the files of provenance are called, and for what their signatures are."""

from __future__ import annotations

from release.git import sshsig

NAMESPACE = "provenance@invoke-gitflow"
PURPOSE = sshsig.Purpose(NAMESPACE, "statement")

ENVELOPE = "provenance.intoto.jsonl"  # by a raw key: a DSSE envelope with the statement in it
STATEMENT = "provenance.intoto.json"  # by OpenSSH or GnuPG: the statement, and a signature beside it
BY_SSH = f"{STATEMENT}.sig"
BY_PGP = f"{STATEMENT}.asc"
ALL = (ENVELOPE, STATEMENT, BY_SSH, BY_PGP)
