"""Doing: one verb per function, small, repeatable, recording what it did."""
