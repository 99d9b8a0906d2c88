"""The tasks of this project: its own."""

from release import ns

__all__ = ["ns"]
