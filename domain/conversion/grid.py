"""Merged cells of a table, repeated in each place they cover."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.texts.policy_text import LARGEST_BYTES, PolicyRefused


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A cell as written: what it says, and how many columns and rows it covers."""

    words: str
    columns: int
    rows: int

    @property
    def merged(self) -> bool:
        return bool(self.words) and (self.columns > 1 or self.rows > 1)


def copied(rows: Sequence[Sequence[Cell]]) -> list[list[str]]:
    """The words of each place; raises PolicyRefused when they grow beyond a policy's size."""
    from_above: dict[int, tuple[int, str]] = {}
    grid = []
    size = 0
    for cells in rows:
        row: list[str] = []
        for cell in cells:
            _carry_down(row, from_above)
            for _ in range(cell.columns):
                if cell.rows > 1:
                    from_above[len(row)] = (cell.rows - 1, cell.words)
                row.append(cell.words)
        _carry_down(row, from_above)
        size += sum(len(words) + 3 for words in row)
        if size > LARGEST_BYTES:
            raise PolicyRefused(
                "A table grows beyond 2 MB when its merged cells are repeated. Nothing was stored. "
                "Split the merged cells and try again."
            )
        grid.append(row)
    return grid


def _carry_down(row: list[str], from_above: dict[int, tuple[int, str]]) -> None:
    while len(row) in from_above:
        rows, words = from_above.pop(len(row))
        if rows > 1:
            from_above[len(row)] = (rows - 1, words)
        row.append(words)
