"""Artifacts: what is made of a tree for others to install, made once, and kept for all that look at it or upload it."""
