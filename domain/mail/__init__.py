"""How fast mail goes, and which addresses it goes to no longer (P4, P8, P17)."""
