"""The company's list of accounts, checked whole and carried in piece by piece (P3)."""
