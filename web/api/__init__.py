"""The JSON API for the company's own systems."""
