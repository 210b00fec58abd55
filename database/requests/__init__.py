"""Data-subject requests: taken in, decided, answered, forgotten (P10-P26)."""
