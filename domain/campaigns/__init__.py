"""When a version takes effect and people are chased, and when sending stops (P5, P7, P8)."""
