"""What legal's answers make of a pair of texts, and of a rule (P2)."""

import pytest

from domain.policies.lessons import (
    MISSED,
    SOMEBODY,
    Answer,
    Label,
    RuleAgreement,
    agreement,
    case_of,
    label_of,
    naming_nobody,
)
from domain.policies.reviews import BY_LEGAL, FindingStatus

OPEN, CONFIRMED, DISMISSED = (
    FindingStatus.OPEN,
    FindingStatus.CONFIRMED,
    FindingStatus.DISMISSED,
)
PROPOSED, NOTED = FindingStatus.DISMISSAL_PROPOSED, FindingStatus.NOTED


def answer(
    status: FindingStatus,
    *,
    material: bool = True,
    finding: str = "F1",
    practice: str = "retention",
    before: str | None = "We keep it for 30 days.",
    after: str | None = "We keep it for one year.",
    reasons: tuple[str, ...] = ("twelve times as long",),
) -> Answer:
    return Answer(
        finding=finding,
        rule="retention.longer",
        practice=practice,
        material_adverse=material,
        before=before,
        after=after,
        status=status,
        people=1,
        reasons=reasons,
    )


@pytest.mark.parametrize(
    ("answers", "label"),
    [
        ([answer(CONFIRMED)], Label.ADVERSE_MATERIAL),
        ([answer(DISMISSED), answer(CONFIRMED)], Label.ADVERSE_MATERIAL),
        ([answer(CONFIRMED, material=False)], Label.ADVERSE_MINOR),
        ([answer(DISMISSED), answer(CONFIRMED, material=False)], Label.ADVERSE_MINOR),
        ([answer(DISMISSED), answer(DISMISSED, material=False)], Label.NEUTRAL),
        ([answer(DISMISSED), answer(NOTED)], Label.NEUTRAL),
    ],
)
def test_the_worst_that_legal_confirmed_decides(answers: list[Answer], label: Label) -> None:
    """P2: dismissals beside it never net it out."""
    assert label_of(answers) is label


@pytest.mark.parametrize(
    "answers",
    [
        [],
        [answer(NOTED)],
        [answer(OPEN)],
        [answer(DISMISSED), answer(OPEN)],
        [answer(PROPOSED)],
        [answer(CONFIRMED, material=False), answer(PROPOSED)],
    ],
)
def test_what_is_not_decided_is_no_case(answers: list[Answer]) -> None:
    assert label_of(answers) is None
    assert case_of("a", "privacy", answers) is None


def test_what_is_still_open_takes_nothing_from_a_confirmed_material_change() -> None:
    answers = [answer(OPEN, finding="F1"), answer(CONFIRMED, finding="F2")]
    case = case_of("a", "privacy", answers)
    assert case is not None
    assert case.label is Label.ADVERSE_MATERIAL
    assert [finding.finding for finding in case.findings] == ["F2"]


def test_a_case_quotes_and_explains_what_carries_its_label() -> None:
    harmless = answer(DISMISSED, finding="F1", practice="contact", reasons=("only the address",))
    minor = answer(CONFIRMED, material=False, finding="F2", practice="security")
    gone = answer(CONFIRMED, finding="F3", practice="minors", after=None, reasons=("a", "b"))
    again = answer(CONFIRMED, finding="F4", practice="minors", reasons=("b",))
    case = case_of("a", "privacy", [harmless, minor, gone, again])
    assert case is not None
    assert (case.quote, case.quote_in) == ("We keep it for 30 days.", "before")
    assert case.categories == ("minors",)
    assert case.rationale == "a / b"
    assert (case.confidence, case.artifact, case.family) == (3, False, "privacy")
    assert [(f.finding, f.answer, f.by, f.reason) for f in case.findings] == [
        ("F1", DISMISSED, "legal", "only the address"),
        ("F2", CONFIRMED, "legal", "twelve times as long"),
        ("F3", CONFIRMED, "legal", "a / b"),
        ("F4", CONFIRMED, "legal", "b"),
    ]


def test_a_finding_without_words_of_the_policy_has_an_empty_quote() -> None:
    case = case_of("a", "privacy", [answer(CONFIRMED, before=None, after=None)])
    assert case is not None
    assert (case.quote, case.quote_in) == ("", None)


def test_a_rule_is_right_as_often_as_legal_confirms_it() -> None:
    answered = [
        (BY_LEGAL, CONFIRMED),
        ("retention.longer", CONFIRMED),
        ("retention.longer", DISMISSED),
        ("retention.longer", CONFIRMED),
        ("retention.longer", OPEN),
        ("retention.longer", PROPOSED),
        ("consent.weaker", OPEN),
        ("rights.added", NOTED),
    ]
    rules = agreement(answered)
    assert rules == (
        RuleAgreement(rule="consent.weaker", confirmed=0, dismissed=0, open=1),
        RuleAgreement(rule="retention.longer", confirmed=2, dismissed=1, open=2),
        RuleAgreement(rule=MISSED, confirmed=1, dismissed=0, open=0),
    )
    assert [rule.agreed for rule in rules] == [None, pytest.approx(2 / 3), None]


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("As Noor said, it is longer.", f"As {SOMEBODY} said, it is longer."),
        ("noor nasser agrees", f"{SOMEBODY} agrees"),
        ("Ask noor@staff.example.", f"Ask {SOMEBODY}."),
        ("(<a.b+c@people.example>)", f"(<{SOMEBODY}>)"),
        ("The noorish way", "The noorish way"),
        ("C. (Ltd) wrote", f"{SOMEBODY} wrote"),
    ],
)
def test_a_reason_leaves_the_house_without_names(said: str, left: str) -> None:
    assert naming_nobody(said, ["Noor", "Noor Nasser", "C. (Ltd)", ""]) == left
