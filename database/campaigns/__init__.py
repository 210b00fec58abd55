"""From the review of a version to the report of its campaign: sent, stopped, put right."""
