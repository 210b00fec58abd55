"""Our redline beside those of others, on the same pairs of texts.

    python -m benchmarks.redlines --data DIR [--part tune|test] [--format json]

Of each: how long a pair takes, and for how many pairs accepting everything gives the new text and
rejecting everything the old one, letter by letter but for white space. `lxml.html.diff` compares
the pages that the texts make; ours gives back the clauses. Needs the extra `peers`.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import fast_diff_match_patch
from lxml import html
from lxml.html.diff import htmldiff
from markdown_it import MarkdownIt
from redlines import Redlines
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.materiality import Pair, asking_for_pairs, chosen_pairs, times
from domain.texts.alignment import Change, align
from domain.texts.clauses import read_clauses
from domain.texts.redline import RedlineBlock, redline_of

# Without links, whose targets lxml writes between the words.
PAGE = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["link", "autolink"])
GIT = ("git", "diff", "--no-index", "--word-diff=porcelain", "--unified=1000000", "--no-color")
FILE_NAMES = 5  # lines of git's answer before the text
DELETED = re.compile(r"<span style='color:red;[^']*'>(.*?)</span>", re.DOTALL)
END_OF_PARAGRAPH = "\u00b6"
INSERTED = re.compile(r"<span style='color:green;[^']*'>(.*?)</span>", re.DOTALL)

Sides = tuple[str, str]
"""The old text and the new one."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A tool: how it marks, what rejecting and accepting leave of that, what they should leave."""

    name: str
    mark: Callable[[str, str], Any]
    sides: Callable[[Any], Sides]
    wanted: Callable[[str, str], Sides]


def _clause_by_clause(before: str, after: str) -> list[tuple[Change, RedlineBlock]]:
    changes = align(read_clauses(before), read_clauses(after))
    return list(zip(changes, redline_of(changes), strict=True))


def _sides_of_clauses(told: Sequence[tuple[Change, RedlineBlock]]) -> Sides:
    in_old_order = sorted((one for one in told if one[0].old), key=lambda one: _place(one[0]))
    return (
        "".join(_without("inserted", block) for _, block in in_old_order),
        "".join(_without("deleted", block) for _, block in told),
    )


def _place(change: Change) -> tuple[int, int]:
    return change.old[0].lines


def _without(kind: str, block: RedlineBlock) -> str:
    return "".join(one.text for one in block.segments if one.kind != kind)


def _clauses(before: str, after: str) -> Sides:
    old, new = ("".join(one.text for one in read_clauses(text)) for text in (before, after))
    return old, new


def _git(before: str, after: str) -> str:
    with tempfile.TemporaryDirectory() as directory:
        paths = [Path(directory) / name for name in ("before.md", "after.md")]
        for path, text in zip(paths, (before, after), strict=True):
            path.write_text(text, encoding="utf-8")
        run = subprocess.run([*GIT, *paths], capture_output=True, check=False)  # noqa: S603
        return run.stdout.decode()


def _sides_of_git(told: str) -> Sides:
    lines = told.split("\n")[FILE_NAMES:]
    old, new = (
        "".join(line[1:] for line in lines if line.startswith((" ", sign))) for sign in "-+"
    )
    return old, new


def _redlines(before: str, after: str) -> str:
    return str(Redlines(before, after).output_markdown)


def _sides_of_redlines(told: str) -> Sides:
    return DELETED.sub(r"\1", INSERTED.sub("", told)), INSERTED.sub(r"\1", DELETED.sub("", told))


def _lxml(before: str, after: str) -> str:
    return str(htmldiff(PAGE.render(before), PAGE.render(after)))


def _sides_of_page(page: str) -> Sides:
    return _page_without(page, "ins"), _page_without(page, "del")


def _page_without(page: str, tag: str) -> str:
    tree = html.fragment_fromstring(page, create_parent=True)
    for element in tree.xpath(f"//{tag}"):
        element.drop_tree()
    return str(tree.text_content())


def _pages(before: str, after: str) -> Sides:
    old, new = (_page_without(PAGE.render(text), "del") for text in (before, after))
    return old, new


def _match_patch(before: str, after: str) -> list[tuple[str, str]]:
    told = fast_diff_match_patch.diff(before, after, timelimit=0, counts_only=False)
    return [(kind, text) for kind, text in told]


def _sides_of_match_patch(told: Sequence[tuple[str, str]]) -> Sides:
    old, new = ("".join(text for kind, text in told if kind in ("=", sign)) for sign in "-+")
    return old, new


def _texts(before: str, after: str) -> Sides:
    return before, after


PEERS = (
    Peer(name="promisekeeper", mark=_clause_by_clause, sides=_sides_of_clauses, wanted=_clauses),
    Peer(name="git diff --word-diff", mark=_git, sides=_sides_of_git, wanted=_texts),
    Peer(name="redlines", mark=_redlines, sides=_sides_of_redlines, wanted=_texts),
    Peer(name="lxml.html.diff", mark=_lxml, sides=_sides_of_page, wanted=_pages),
    Peer(
        name="fast-diff-match-patch",
        mark=_match_patch,
        sides=_sides_of_match_patch,
        wanted=_texts,
    ),
)


def measure(pairs: Sequence[Pair], peer: Peer) -> dict[str, Any]:
    """How often a tool is exact in both directions, and its milliseconds a pair."""
    exact, spent = 0, []
    for pair in track(pairs, description=peer.name, transient=True):
        started = time.perf_counter()
        told = peer.mark(pair.before, pair.after)
        spent.append((time.perf_counter() - started) * 1000)
        sides = zip(peer.sides(told), peer.wanted(pair.before, pair.after), strict=True)
        exact += all(_letters(left) == _letters(right) for left, right in sides)
    return {
        "pairs": len(pairs),
        "exact": exact,
        "milliseconds": {"mean": round(mean(spent), 1), **times(spent)},
    }


def _letters(text: str) -> str:
    return "".join(text.replace(END_OF_PARAGRAPH, "").split())


def main() -> int:
    """Measure and print; ends with 2 when there is no such data."""
    parser = asking_for_pairs("Our redline beside those of others.")
    parser.add_argument("--format", choices=("json", "text"), default="text")
    chosen = parser.parse_args()
    pairs = chosen_pairs(chosen)
    figures = {peer.name: measure(pairs, peer) for peer in PEERS}
    if chosen.format == "json":
        sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    else:
        _print(figures)
    return 0


def _print(figures: Mapping[str, Any]) -> None:
    table = Table("redline", "exact both ways", "mean ms", "median ms", "p95 ms", "longest ms")
    for name, told in figures.items():
        spent = told["milliseconds"]
        table.add_row(
            name,
            f"{told['exact']} of {told['pairs']}",
            *(str(spent[figure]) for figure in ("mean", "median", "p95", "longest")),
        )
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
