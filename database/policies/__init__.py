"""Policies and their versions: what was found of a change, what people read of it, what counts."""
