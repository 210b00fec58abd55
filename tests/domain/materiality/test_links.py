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
    told = assess(WAY, WAY.replace("https://gnomes", "http://www.gnomes").replace("t)", "t/)"))
    assert told.verdict is Verdict.NEUTRAL
    assert [change.cleared_as for change in told.changes] == ["link or address"]


@pytest.mark.parametrize("written", ["[object](%s).\n", "object at %s.\n"])
def test_another_page_of_the_same_site_may_be_no_way_any_more(written: str) -> None:
    old = f"You can {written}" % "https://gnomes.example/object"
    told = assess(old, old.replace("example/object", "example/"))
    assert told.verdict is Verdict.NEEDS_REVIEW


@pytest.mark.parametrize("target", ["object?ask=no", "object#no"])
def test_what_a_link_asks_for_is_a_part_of_where_it_leads(target: str) -> None:
    told = assess(WAY, WAY.replace("/object)", f"/{target})"))
    assert told.verdict is Verdict.NEEDS_REVIEW


def test_two_links_of_the_same_words_may_change_places() -> None:
    old = "To object click [here](/no), to consent click [here](/yes).\n"
    new = "To object click [here](/yes), to consent click [here](/no).\n"
    assert assess(old, new).verdict is Verdict.NEEDS_REVIEW


def test_an_address_that_leads_elsewhere_than_it_says_goes_to_a_person() -> None:
    old = "You can object at [gnomes.example/no](https://gnomes.example/no).\n"
    new = old.replace("(https://gnomes", "(https://dwarfs")
    assert assess(old, new).verdict is Verdict.NEEDS_REVIEW


def test_a_mailbox_that_nobody_reads_is_no_way() -> None:
    old = "You can object by writing to [us](mailto:privacy@gnomes.example).\n"
    assert assess(old, old.replace("privacy@", "noreply@")).verdict is Verdict.NEEDS_REVIEW
    assert assess(old, old.replace("privacy@", "data@")).verdict is Verdict.NEUTRAL


def test_where_nobody_decides_anything_a_link_may_lead_to_another_page() -> None:
    told = assess(RULES, RULES.replace("/kindness", "/being-kind"))
    assert [change.cleared_as for change in told.changes] == ["link or address"]
    other_site = assess(RULES, RULES.replace("gnomes.example", "dwarfs.example"))
    assert other_site.verdict is Verdict.NEEDS_REVIEW


def test_a_target_that_is_no_address_is_compared_all_the_same() -> None:
    told = assess(WAY, WAY.replace("https://gnomes.example/object", "https://[gnomes/object"))
    assert told.verdict is Verdict.NEEDS_REVIEW
