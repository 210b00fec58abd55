"""Deciding when: one workflow per file; they wait, remind, escalate, and do nothing themselves."""
