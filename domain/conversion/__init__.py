"""A policy as a Word file or a web page, turned into Markdown; and what was left out on the way."""

from domain.conversion.policy_file import PolicyFile, read_policy_file

__all__ = ["PolicyFile", "read_policy_file"]
