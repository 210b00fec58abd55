"""Data-subject requests and instructions: sources asked, staff told, answers sent (P10-P26)."""
