"""A link can take people elsewhere while not a word of the policy changes."""

import pytest

from domain.materiality import Verdict, assess

WAY = "You can [object here](https://gnomes.example/object) to our use of your letters.\n"
RULES = "Be kind; we wrote down [how](https://gnomes.example/kindness) in our garden rules.\n"
GERMAN = "Sie können [hier](https://gnomes.example/nein) der Nutzung Ihrer Briefe widersprechen.\n"


@pytest.mark.parametrize("text", [WAY, GERMAN])
def test_a_way_that_leads_to_another_site_goes_to_a_person(text: str) -> None:
    told = assess(text, text.replace("gnomes.example", "dwarfs.example"))
    assert told.verdict is Verdict.NEEDS_REVIEW
    assert [finding.rule for finding in told.findings] == ["link.elsewhere"]
    assert "https://dwarfs.example" in told.findings[0].explanation
    assert [change.kind for change in told.changes] == ["amended"]


def test_a_way_that_leads_nowhere_any_more_goes_to_a_person() -> None:
    told = assess(WAY, "You can object here to our use of your letters.\n")
    assert told.verdict is Verdict.NEEDS_REVIEW
    assert told.findings[0].explanation.startswith('"object here" leads nowhere any more')


def test_a_way_that_leads_elsewhere_is_seen_beside_a_change_of_words() -> None:
    new = WAY.replace("gnomes.example", "dwarfs.example").replace("letters", "post cards")
    assert "link.elsewhere" in [finding.rule for finding in assess(WAY, new).findings]


def test_the_same_page_written_in_another_way_is_cleared_and_shown() -> None:
    told = assess(WAY, WAY.replace("https://gnomes", "http://www.gnomes").replace("t)", "t/#now)"))
    assert told.verdict is Verdict.NEUTRAL
    assert [change.cleared_as for change in told.changes] == ["link or address"]


@pytest.mark.parametrize("written", ["[object](%s).\n", "object at %s.\n"])
def test_another_page_of_the_same_site_may_be_no_way_any_more(written: str) -> None:
    old = f"You can {written}" % "https://gnomes.example/object"
    told = assess(old, old.replace("example/object", "example/"))
    assert told.verdict is Verdict.NEEDS_REVIEW


def test_where_nobody_decides_anything_a_link_may_lead_anywhere() -> None:
    told = assess(RULES, RULES.replace("gnomes.example", "dwarfs.example"))
    assert [change.cleared_as for change in told.changes] == ["link or address"]


def test_a_target_that_is_no_address_is_compared_all_the_same() -> None:
    told = assess(WAY, WAY.replace("https://gnomes.example/object", "https://[gnomes/object"))
    assert told.verdict is Verdict.NEEDS_REVIEW
