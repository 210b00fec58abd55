"""Versions published, and their campaigns held to the timetable (P5, P7, P8)."""
