"""The outbox and what became of each mail: owed, claimed, sent, bounced, held back (P4)."""
