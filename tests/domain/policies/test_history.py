"""What was in force before is read whole, or refused with every file and field that is wrong."""

from datetime import date

import pytest

from domain.policies.history import HistoryRefused, read_history

TODAY = date(2026, 3, 2)


def file(text: str = "We keep letters.", **told: str) -> bytes:
    front = "\n".join(f"{name} = {value}" for name, value in told.items())
    return f"+++\n{front}\n+++\n\n{text}\n".encode()


def test_the_versions_come_in_the_order_of_their_numbers() -> None:
    past = read_history(
        {
            "10.md": file("We keep letters for a year.", in_force_on="2024-02-29"),
            "2.md": file(in_force_on="2021-05-25", summary='"The second."', number="2"),
        },
        TODAY,
    )
    assert [(each.number, each.in_force_on, each.summary) for each in past] == [
        (2, date(2021, 5, 25), "The second."),
        (10, date(2024, 2, 29), "A version from before these records began."),
    ]
    assert past[0].text.text == "We keep letters.\n"


@pytest.mark.parametrize(
    ("name", "raw", "words"),
    [
        ("first.md", file(in_force_on="2021-05-25"), "first.md: its name is no version number"),
        ("1.md", file(), "1.md: in_force_on: give the day"),
        ("1.md", file(in_force_on='"2021-05-25"'), "1.md: in_force_on: give the day"),
        ("1.md", file(in_force_on="2021-05-25T00:00:00Z"), "1.md: in_force_on: give the day"),
        ("1.md", file(in_force_on="2026-03-03"), "1.md: in_force_on: 2026-03-03 is still to come"),
        ("1.md", file(in_force_on="2021-05-25", number="2"), "1.md: number: it says 2"),
        ("1.md", file(in_force_on="2021-05-25", summary="7"), "1.md: summary: it is no text"),
        ("1.md", b"\xff", "1.md: The file is not UTF-8"),
    ],
)
def test_a_file_with_a_mistake_is_named(name: str, raw: bytes, words: str) -> None:
    with pytest.raises(HistoryRefused) as refusal:
        read_history({name: raw, "0002.md": file("Fine.", in_force_on="2022-01-01")}, TODAY)
    assert words in str(refusal.value)
    assert str(refusal.value).endswith("Nothing was stored.")


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(HistoryRefused) as refusal:
        read_history(
            {
                "1.md": file(in_force_on="2021-05-25"),
                "2.md": file(in_force_on="2021-05-25"),
                "02.md": file("Other words.", in_force_on="2022-05-25"),
                "x.md": b"",
            },
            TODAY,
        )
    told = str(refusal.value)
    assert "x.md: its name" in told
    assert "Version 2 is there twice." in told


def test_dates_go_forward_and_texts_differ() -> None:
    same = {"1.md": file(in_force_on="2021-05-25"), "2.md": file(in_force_on="2021-05-25")}
    with pytest.raises(HistoryRefused, match="which is not after version 1") as refusal:
        read_history(same, TODAY)
    assert "Version 2 is word for word version 1." in str(refusal.value)


def test_a_folder_without_files_is_refused() -> None:
    with pytest.raises(HistoryRefused, match="There is no file in it"):
        read_history({}, TODAY)
