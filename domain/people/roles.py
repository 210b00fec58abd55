"""What members of staff may be (P30)."""

ROLES = ("legal", "privacy", "ops", "auditor", "admin", "support", "task")
"""`support` takes requests in, and sees no case; `task` sees what is to be done by hand,
one task at a time."""
