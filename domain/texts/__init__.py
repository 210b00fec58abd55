"""Policies as texts: read into clauses, compared, redlined, shown (P1, P2)."""
