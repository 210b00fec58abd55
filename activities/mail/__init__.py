"""Mails and posts: written, sent, and stopped when they go wrong (P4, P8, P32)."""
