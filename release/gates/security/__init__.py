"""The security gate: Bandit, pip-audit, and a check of our own for data that reaches a shell.

All of it fails closed: what was not looked at is said, and counts as neither good nor bad.
"""
