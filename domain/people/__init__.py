"""Account holders: their values, addresses and languages, and what they may refuse (P4, P17)."""
