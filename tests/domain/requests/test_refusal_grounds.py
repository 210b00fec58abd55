"""Which ground may be used against which right under which law: the table that counsel reads."""

import pytest

from domain.requests.data_subject_requests import UNCONDITIONAL_KINDS, Ground, Kind
from domain.requests.deadlines import PACKS
from domain.requests.refusal_grounds import BARS, bar_against, usable_grounds

LAWS = (None, *PACKS)


def test_every_bar_says_where_it_is_written_and_names_laws_that_there_are() -> None:
    for bar in BARS:
        assert bar.citation.strip()
        assert bar.laws is None or bar.laws <= set(PACKS)
        assert bar.rights
        assert bar.grounds


@pytest.mark.parametrize("regime", LAWS)
@pytest.mark.parametrize("kind", sorted(UNCONDITIONAL_KINDS))
def test_nothing_stands_against_an_end_of_marketing(regime: str | None, kind: Kind) -> None:
    """P15, P17, P20."""
    assert usable_grounds(regime, kind) == ()


@pytest.mark.parametrize("regime", ["gdpr", "uk_gdpr", None])
@pytest.mark.parametrize(
    "kind", [Kind.INQUIRY, Kind.ACCESS, Kind.PORTABILITY, Kind.ERASURE, Kind.OBJECTION]
)
def test_effort_is_no_ground_in_the_union_and_the_kingdom(regime: str | None, kind: Kind) -> None:
    """P20: never against access, portability, erasure or objection; nor where no law is known."""
    assert bar_against(regime, kind, Ground.DISPROPORTIONATE_EFFORT) is not None


def test_effort_is_a_ground_where_the_law_knows_it() -> None:
    """P20: California of searches, the Union of telling recipients about a correction."""
    assert bar_against("california", Kind.ACCESS, Ground.DISPROPORTIONATE_EFFORT) is None
    assert bar_against("gdpr", Kind.CORRECTION, Ground.DISPROPORTIONATE_EFFORT) is None


@pytest.mark.parametrize("regime", LAWS)
def test_only_a_correction_has_to_be_shown(regime: str | None) -> None:
    """P12, P20."""
    barred = {kind for kind in Kind if bar_against(regime, kind, Ground.NOT_SHOWN)}
    assert barred == set(Kind) - {Kind.CORRECTION}


def test_other_peoples_rights_limit_copies_and_keep_no_data() -> None:
    """P20: against access and portability, never against erasure and objection."""
    for kind, barred in (
        (Kind.ACCESS, False),
        (Kind.PORTABILITY, False),
        (Kind.ERASURE, True),
        (Kind.OBJECTION, True),
    ):
        assert (bar_against("gdpr", kind, Ground.RIGHTS_OF_OTHERS) is not None) == barred


@pytest.mark.parametrize("regime", LAWS)
def test_somebody_who_cannot_be_identified_can_always_be_told_so(regime: str | None) -> None:
    """P19, P20: but not where nobody has to be."""
    barred = {kind for kind in Kind if bar_against(regime, kind, Ground.IDENTITY_UNVERIFIED)}
    assert barred == {Kind.OBJECTION_MARKETING, Kind.MARKETING_OPT_OUT, Kind.MINOR}
