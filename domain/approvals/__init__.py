"""Which version governs whom, their consents, and what happens without approval (P5, P6)."""
