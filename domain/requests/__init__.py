"""Data-subject requests: what is asked, by when it is answered, and how (P10-P26, P33)."""
