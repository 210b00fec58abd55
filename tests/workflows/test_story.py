"""What a workflow tells ops, in words."""

from datetime import UTC, datetime

from workflows.story import Chapter, moment

DUE = datetime(2026, 3, 1, 23, tzinfo=UTC)
TOLD = datetime(2026, 2, 3, 9, 30, tzinfo=UTC)
CHAPTER = {
    "stage": "work",
    "waits_for": "privacy to answer",
    "awaiting": "privacy",
    "until": DUE,
    "by_itself": "tells the executive again",
    "wake": "nobody at night",
}


def test_a_page_answers_what_ops_ask_at_three_in_the_morning() -> None:
    page = Chapter(**CHAPTER).in_words(TOLD)  # type: ignore[arg-type]
    assert page.splitlines()[0] == "## Stage: work"
    for answer in (
        "**Waits for:** privacy to answer",
        "**Since:** 2026-02-03 09:30 UTC",
        "**Until:** 2026-03-01 23:00 UTC",
        "**Whose turn:** privacy",
        "**Next by itself:** tells the executive again",
        "**Wake:** nobody at night",
        "**Safe to press:** *Request Cancellation*",
    ):
        assert answer in page


def test_what_is_overdue_says_so_before_anything_else() -> None:
    late = Chapter(**{**CHAPTER, "overdue": True})  # type: ignore[arg-type]
    assert late.in_words(TOLD).startswith(f"## OVERDUE since {moment(DUE)}, stage: work")


def test_a_stage_counts_from_when_it_began_however_late_it_is_told() -> None:
    began = Chapter(**{**CHAPTER, "since": datetime(2026, 1, 30, 8, tzinfo=UTC)})  # type: ignore[arg-type]
    assert "**Since:** 2026-01-30 08:00 UTC" in began.in_words(TOLD)


def test_without_a_due_time_nothing_is_overdue() -> None:
    open_ended = Chapter(**{**CHAPTER, "until": None})  # type: ignore[arg-type]
    assert open_ended.facts(TOLD)["until"] == "no fixed time"
    assert open_ended.headline == "work"
