"""Lists open in a spreadsheet, and nothing in them runs there."""

from csv import reader
from datetime import UTC, date, datetime
from io import StringIO

from hypothesis import given
from hypothesis import strategies as st

from domain.spreadsheet import FORMULA, as_csv


def test_a_list_has_headings_and_plain_values() -> None:
    row = {"who": "a-1", "at": datetime(2026, 3, 2, 9, tzinfo=UTC), "on": date(2026, 3, 2)}
    text = as_csv([{**row, "what": None}], ("who", "at", "on", "what"))
    assert text == "who,at,on,what\r\na-1,2026-03-02T09:00:00Z,2026-03-02,\r\n"


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_no_text_is_a_formula_and_none_is_lost(text: str) -> None:
    ((_,), (cell,)) = (
        reader(StringIO(as_csv([{"what": text}], ("what",)))) if text else (("",), ("",))
    )
    assert cell.removeprefix("'") == text.removeprefix("'")
    assert not cell.startswith(FORMULA)
