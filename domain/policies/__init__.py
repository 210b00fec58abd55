"""What becomes of a version's text: legal's review, its lessons, versions from before (P1, P2)."""
