"""Records for tests of what is given away: one, and any."""

from hypothesis import strategies as st

from domain.requests.personal_data import LegalBasis, Origin, Record, Value

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def record(field: str, value: Value) -> Record:
    """Something that a customer gave when the contract was made."""
    return Record(
        source="billing",
        category="Contact details",
        item=1,
        field=field,
        value=value,
        origin=Origin.PROVIDED,
        purpose="Keeping the account",
        legal_basis=LegalBasis.CONTRACT,
    )


def records() -> st.SearchStrategy[list[Record]]:
    """Any records of a few sources, each field of an item once."""
    one = st.builds(
        Record,
        source=st.sampled_from(["billing", "marketing"]),
        category=st.sampled_from(["Contact details", "contact-details", "=1+1", "…", "Größe"]),
        item=st.integers(1, 4),
        field=st.sampled_from(["name", "größe", "=cmd", "-1"]),
        value=st.one_of(
            st.none(),
            st.booleans(),
            st.integers(),
            st.floats(allow_nan=False, allow_infinity=False),
            TEXT,
        ),
        origin=st.sampled_from(Origin),
        purpose=TEXT,
        legal_basis=st.sampled_from(LegalBasis),
        others=st.booleans(),
    )
    return st.lists(
        one, max_size=12, unique_by=lambda it: (it.source, it.category, it.item, it.field)
    )
