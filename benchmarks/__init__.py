"""What `make bench` runs. Timings belong here and never in tests."""
