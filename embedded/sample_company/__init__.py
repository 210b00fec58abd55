"""The databases of an invented company, and their data map, for demonstrations and tests.

Fernhill helps people over a screen: it has customers with invoices, sessions in which others take
part, contacts it writes to, and the support tickets of a clinic that it works for.
"""

IN_ONE_DATABASE = ("billing", "sessions", "marketing", "support")
"""The sources of the map that the one database of `database.py` stands for."""
