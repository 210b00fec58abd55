"""Lists open in a spreadsheet, and nothing in them runs there."""

from collections.abc import Iterator, Mapping
from csv import reader
from datetime import UTC, date, datetime
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.spreadsheet import FORMULA, as_csv, csv_lines


def test_a_list_has_headings_and_plain_values() -> None:
    row = {"who": "a-1", "at": datetime(2026, 3, 2, 9, tzinfo=UTC), "on": date(2026, 3, 2)}
    text = as_csv([{**row, "what": None}], ("who", "at", "on", "what"))
    assert text == "who,at,on,what\r\na-1,2026-03-02T09:00:00Z,2026-03-02,\r\n"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_text_is_a_formula_and_none_is_lost(text: str) -> None:
    cell = written(text)
    assert cell.removeprefix("'") == text.removeprefix("'")
    assert not cell.startswith(FORMULA)


@pytest.mark.parametrize("beginning", list(FORMULA))
def test_whatever_a_formula_may_hide_behind_gets_an_apostrophe(beginning: str) -> None:
    assert written(f"{beginning}=1+1") == f"'{beginning}=1+1"


def test_no_cell_is_parted_where_a_semicolon_parts_cells() -> None:
    """As a German spreadsheet does: what follows would stand first in a cell of its own."""
    line = as_csv([{"what": "x;=1+1", "more": 1}], ("what", "more")).splitlines()[1]
    (cell,) = next(reader([line.removesuffix(',"1"')], delimiter=";"))
    assert cell == "x;=1+1"


def test_a_line_is_written_before_the_next_row_is_read() -> None:
    read = []

    def rows() -> Iterator[Mapping[str, object]]:
        for number in (1, 2):
            read.append(number)
            yield {"number": number}

    lines = csv_lines(rows(), ("number",))
    assert (next(lines), read) == ("number\r\n", [])
    assert (next(lines), read) == ("1\r\n", [1])


def written(text: str) -> str:
    """What a spreadsheet reads in the only cell of a list."""
    _, (cell,) = reader(StringIO(as_csv([{"what": text}], ("what",)), newline=""))
    return cell
