"""Policies of our own words: the second takes something away, the third mends a typing error."""

FIRST = """# Privacy policy

## What we promise

We never sell your personal data to anyone.

We answer every request about your data within thirty (30) days.

## How long we keep data

We keep recordings of support calls for 30 days and delete them afterwards.

## How we tell you

If a change is to your disadvantge we write to you and ask for your approval first.
"""
SECOND = FIRST.replace(
    "We keep recordings of support calls for 30 days and delete them afterwards.",
    "We keep recordings of support calls for one year and delete them afterwards.",
).replace(
    "We never sell your personal data to anyone.",
    "We may sell your personal data to advertising partners.",
)
THIRD = SECOND.replace("disadvantge", "disadvantage")
