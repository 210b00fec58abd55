"""The staff console: legal, privacy and operations."""
