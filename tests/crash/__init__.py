"""Runs killed, broken and interrupted at every point, and what becomes of the repository."""
