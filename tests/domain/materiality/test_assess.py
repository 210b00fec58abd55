"""What the assessment says about single changes of a small policy (P2)."""

from domain.materiality import Assessment, Direction, Severity, Verdict, assess
from domain.materiality.reading import read

POLICY = """# Gnome Club

## What we note

We collect your name and your email address when you join.

We use this data to send you gnomes and to answer your questions.

## Who sees it

We never sell your data to anyone.

We share your address with the postal service only with your consent.

You can opt out of the newsletter at any time.

## How long

We keep your letters for thirty (30) days.

We will respond to your request within one month.

Our book is encrypted and lies in a locked cupboard.

## Your rights

You have the right to:

- request copies of what we noted;
- ask for the erasure of it;
- lodge a complaint with a supervisory authority.

## Changes

If we change this policy, we notify you by email 30 days in advance and ask for your approval.

We do not collect data about children under 16.
"""


def changed(old: str, new: str) -> Assessment:
    assert POLICY.count(old) == 1
    return assess(POLICY, POLICY.replace(old, new))


def adverse(assessment: Assessment) -> set[str]:
    return {f.rule for f in assessment.findings if f.direction is Direction.ADVERSE}


def assert_flagged(assessment: Assessment, rule: str) -> None:
    assert assessment.verdict is Verdict.MATERIAL_ADVERSE
    assert assessment.material_adverse
    assert rule in adverse(assessment)


def test_the_same_text_is_identical() -> None:
    assessment = assess(POLICY, POLICY)
    assert (assessment.verdict, assessment.findings, assessment.changes) == ("identical", (), ())


def test_longer_retention_is_adverse_and_the_finding_names_the_figures() -> None:
    """P2: each finding carries the rule, the quoted evidence and a plain sentence."""
    assessment = changed("thirty (30) days", "two years")
    (finding,) = assessment.findings
    assert (finding.rule, finding.severity) == ("retention.longer", Severity.MATERIAL)
    assert finding.before == "We keep your letters for thirty (30) days."
    assert finding.after == "We keep your letters for two years."
    assert "two years instead of thirty (30) days" in finding.explanation
    assert finding.section == ("Gnome Club", "How long")
    assert finding.lines.before == finding.lines.after == (19, 19)
    assert finding.right, "its record on labelled changes"
    assert finding.right.right <= finding.right.of


def test_shorter_retention_is_favourable() -> None:
    assessment = changed("thirty (30) days", "ten days")
    assert assessment.verdict is Verdict.FAVOURABLE
    assert not assessment.needs_review


def test_keeping_data_without_end_is_adverse() -> None:
    assert_flagged(changed("for thirty (30) days", "indefinitely"), "retention.open_ended")


def test_slower_answers_are_adverse_even_in_other_units() -> None:
    """P2: the thirty days are a promise."""
    assert_flagged(changed("within one month", "within 60 days"), "deadlines.longer")
    assert not changed("within one month", "within 30 days").material_adverse


def test_less_notice_of_changes_is_adverse() -> None:
    """P2: the notice period is a promise."""
    assert_flagged(changed("30 days in advance", "seven days in advance"), "notice.shorter")


def test_a_notice_without_approval_is_weaker() -> None:
    """P2: approval is promised."""
    assert_flagged(changed(" and ask for your approval", ""), "notice_of_change.weaker")


def test_a_reversed_promise_is_adverse() -> None:
    assessment = changed("We never sell your data", "We may sell your data")
    assert_flagged(assessment, "promise.reversed.allowed")
    assert_flagged(assessment, "sharing.sale.new")


def test_a_dropped_promise_is_adverse() -> None:
    assert_flagged(changed("We never sell your data to anyone.\n\n", ""), "promise.dropped.gone")


def test_a_promise_kept_in_other_words_is_left_to_a_person() -> None:
    in_other_words = (
        "However much is offered, and honest gnomes are offered much, "
        "we do not sell your data to anyone."
    )
    without = POLICY.replace("We never sell your data to anyone.\n\n", "")
    assessment = assess(POLICY, f"{without}\n{in_other_words}\n")
    (dropped,) = [f for f in assessment.findings if f.rule == "promise.dropped.gone"]
    assert assessment.verdict is Verdict.NEEDS_REVIEW
    assert dropped.direction is Direction.UNCLEAR
    assert dropped.counter_evidence == in_other_words


def test_a_new_sale_is_adverse() -> None:
    text = POLICY.replace("We never sell your data to anyone.\n\n", "")
    added = text.replace("## How long", "We sell your data to data brokers.\n\n## How long")
    assert {"sharing.sale.new", "sharing.recipient.new"} <= adverse(assess(text, added))


def test_new_sensitive_data_is_adverse() -> None:
    assessment = changed("and your email address", ", your precise location and email address")
    assert_flagged(assessment, "collection.category.new")


def test_a_new_purpose_is_adverse() -> None:
    training = changed("to answer your questions", "to train our machine learning models")
    assert_flagged(training, "purpose.new_ai_training")


def test_consent_that_becomes_an_opt_out_is_adverse() -> None:
    assessment = changed("only with your consent", "unless you opt out")
    assert_flagged(assessment, "consent.dropped")


def test_a_lost_opt_out_is_adverse() -> None:
    """P2: the choice is a promise."""
    assert_flagged(
        changed("You can opt out of the newsletter at any time.\n\n", ""), "opt_out.removed"
    )


def test_a_lost_right_is_adverse() -> None:
    """P2: the right to complain is a promise."""
    assert_flagged(
        changed("- lodge a complaint with a supervisory authority.\n", ""), "right.removed"
    )


def test_a_lost_safeguard_is_adverse() -> None:
    """P2: safeguards are a promise."""
    assert_flagged(changed("is encrypted and lies", "lies"), "safeguard.removed")


def test_a_lower_age_is_adverse() -> None:
    """P2: the protection of minors is a promise."""
    assert_flagged(changed("under 16", "under 13"), "minors.age_lowered")


def test_a_softer_undertaking_is_adverse() -> None:
    assert_flagged(changed("We will respond", "We may respond"), "promise.weaker.loose")


def test_good_news_never_makes_up_for_bad() -> None:
    better = POLICY.replace("thirty (30) days", "ten days")
    both = better.replace("We never sell", "We may sell")
    assessment = assess(POLICY, both)
    assert assessment.verdict is Verdict.MATERIAL_ADVERSE
    assert "retention.shorter" in {finding.rule for finding in assessment.findings}


def test_what_no_rule_explains_needs_a_person() -> None:
    assessment = changed("to send you gnomes", "to send you gnomes and garden gates")
    (finding,) = assessment.findings
    assert assessment.verdict is Verdict.NEEDS_REVIEW
    assert (finding.rule, finding.direction) == ("change.unexplained", Direction.UNCLEAR)


def test_good_news_does_not_hide_what_stands_beside_it() -> None:
    assessment = changed("your letters for thirty (30) days", "your letters and tears for ten days")
    assert assessment.needs_review


def test_a_text_in_another_language_needs_a_person() -> None:
    german = "# Verein\n\nWir verkaufen Ihre Daten nicht an Dritte und geben sie nicht weiter.\n"
    assessment = assess(german, german.replace("nicht an Dritte", "an Dritte"))
    assert assessment.verdict is Verdict.NEEDS_REVIEW
    assert [finding.rule for finding in assessment.findings] == ["language.not_english"]
    moved = german + "\nFragen beantwortet der Vorstand.\n"
    assert assess(moved, moved.replace("# Verein\n", "# Verein\n\n")).verdict is Verdict.EDITORIAL


def test_an_assessment_survives_being_written_and_read() -> None:
    assessment = changed("thirty (30) days", "two years")
    assert Assessment.from_json_dict(assessment.to_json_dict()) == assessment


def test_the_json_has_the_fields_of_the_contract() -> None:
    written = changed("thirty (30) days", "two years").to_json_dict()
    assert list(written) == [
        "verdict", "material_adverse", "needs_review", "findings", "changes", "engine",
    ]  # fmt: skip
    assert list(written["findings"][0]) == [
        "id", "direction", "severity", "right", "practice", "rule", "explanation", "section",
        "before", "after", "lines", "basis", "counter_evidence",
    ]  # fmt: skip
    assert written["findings"][0]["lines"] == {"before": [19, 19], "after": [19, 19]}
    assert written["changes"][0]["findings"] == ["F1"]


def test_markup_that_was_left_in_the_text_parts_it_as_a_person_reads_it() -> None:
    listed = (
        "We say here what we do with your data. <ul><li>We keep it.</li><li>We never {}.</li></ul>"
    )
    told = assess(listed.format("sell your location"), listed.format("lose your location"))
    assert {finding.before for finding in told.findings} == {"We never sell your location."}


def test_a_period_that_is_given_elsewhere_is_shown_beside_the_one_that_is_gone() -> None:
    old = "We keep call recordings for 30 days and then erase them.\n\nWe like gnomes.\n"
    new = old.replace(" for 30 days and then erase them", " and then erase them")
    told = assess(old, f"{new}\nWe keep the recordings of calls for one month.\n")
    gone = next(found for found in told.findings if found.rule == "retention.period_removed")
    assert gone.explanation == "The fixed period of 30 days is no longer given here."
    assert gone.counter_evidence == "We keep the recordings of calls for one month."
    alone = next(f for f in assess(old, new).findings if f.rule == "retention.period_removed")
    assert alone.counter_evidence is None


def test_what_the_company_may_refuse_is_no_way_to_say_no() -> None:
    told = assess("We answer you.\n", "We answer you. We may refuse your request.\n")
    assert "opt_out.added" not in {finding.rule for finding in told.findings}


def test_a_table_that_answers_no_allows_nothing() -> None:
    table = "| Data | Sold | Shared |\n|---|---|---|\n| Letters | No | No |\n"
    told = assess(table, f"{table}| Location | No | No |\n")
    assert not told.material_adverse


def test_what_needs_an_objection_is_allowed_and_promises_nothing() -> None:
    stem = "If you have not opted out, we may:\n\n- show tips;\n"
    told = assess(stem, f"{stem}- collect your location;\n")
    assert "promise.added.new" not in {finding.rule for finding in told.findings}
    assert told.needs_review or told.material_adverse


def test_of_two_sentences_of_the_same_words_one_can_go() -> None:
    old = "Photos are noted. We never sell them. Moods are noted. We never sell them.\n"
    told = assess(old, old.replace(" noted. We never sell them.\n", " noted.\n"))
    assert told.needs_review or told.material_adverse


def test_who_trains_their_staff_trains_no_machine() -> None:
    told = assess("We are careful.\n", "We are careful. We train everybody who reads letters.\n")
    assert "purpose.new_ai_training" not in {finding.rule for finding in told.findings}


def test_of_unequal_numbers_of_periods_the_longest_are_compared() -> None:
    old = "We keep letters for 10 days and their copies for 30 days.\n"
    told = assess(old, "We keep letters and their copies for 20 days.\n")
    (found,) = (one for one in told.findings if one.rule.startswith("retention."))
    assert (found.rule, "20 days instead of 30 days" in found.explanation) == (
        "retention.shorter",
        True,
    )


def test_an_item_under_a_denial_is_denied() -> None:
    assert read("share your letters", "We never do the following:").denied == {"share"}
    assert read("share your letters", "If you do not object, we may:").allowed == {"share"}
