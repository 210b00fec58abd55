"""Which tests prove which promise: `docs/promises.md`, from the names and docstrings of the tests.

`make promises` writes it. Tests are read and never imported, so that this takes a moment.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from settings import ROOT

PAGE = ROOT / "docs" / "promises.md"
NUMBERS = frozenset((*range(1, 9), *range(10, 27), *range(30, 34)))
ONE = re.compile(r"\bP(\d+)")
RANGE = re.compile(r"\bP(\d+)(?:-| to )P(\d+)")
ROW_OF_README = re.compile(r"^\| P(\d+) \| (.+?) \| (.+?) \|", re.MULTILINE)
WORKS = "works"
HEAD = """\
<!-- Written by `make promises`, never by hand. Merging: take either side, and type it again. -->

# The tests of each promise

Each [promise](../README.md#the-promises) with the tests that name it in their docstring; a test
that names none stands under those that the docstring of its file names. A test is counted once
for each promise, however many cases it has. *Both databases* are SQLite and PostgreSQL; *real
Temporal* is Temporal's own server, in journeys together with all other parts of the product.
That a test names a promise says that it holds a part of it, not that nothing is left to test.

| promise | | state | tests | both databases | real Temporal | browser |
|---|---|---|--:|--:|--:|--:|
"""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Fixtures = Mapping[str, frozenset[str]]
"""The names that each fixture asks for."""


@dataclass(frozen=True, kw_only=True)
class Promise:
    """A row of the README's table."""

    number: int
    title: str
    state: str


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A test that names promises, and what it runs on. `path` begins with `tests/`."""

    path: str
    name: str
    promises: frozenset[int]
    on_both_databases: bool
    on_real_temporal: bool
    in_a_browser: bool

    @property
    def room(self) -> str:
        """The folder below `tests/`, or nothing for a test of the whole house."""
        _, *folders, _ = self.path.split("/")
        return folders[0] if folders else ""

    @property
    def sentence(self) -> str:
        words = self.name.removeprefix("test_").replace("_", " ")
        return words[0].upper() + words[1:]


def promises(readme: str) -> list[Promise]:
    """The promises of the README's table, by number."""
    rows = ROW_OF_README.findall(readme)
    found = [Promise(number=int(row[0]), title=row[1], state=row[2]) for row in rows]
    return sorted(found, key=lambda promise: promise.number)


def proofs(house: Path = ROOT) -> list[Proof]:
    """The tests of this house that name a promise, by file and name."""
    return [proof for proof in _proofs_below(house / "tests", {}, house) if proof.promises]


def gaps(promised: Sequence[Promise], proven: Sequence[Proof]) -> list[str]:
    """What README and tests say that does not fit together, in sentences."""
    known = {promise.number: promise for promise in promised}
    named = {number for proof in proven for number in proof.promises}
    missing = [f"P{number}: README has no row for it." for number in sorted(NUMBERS - known.keys())]
    untested = [
        f"P{promise.number}: README says that it works, and no test names it."
        for promise in known.values()
        if promise.state == WORKS and promise.number not in named
    ]
    unknown = [
        f"P{number}: there is no such promise, yet {proof.path} names it in {proof.name}."
        for proof in proven
        for number in sorted(proof.promises - NUMBERS)
    ]
    return missing + untested + unknown


def page(promised: Sequence[Promise], proven: Sequence[Proof]) -> str:
    """`docs/promises.md`: the table, then each promise with its tests by room and file."""
    tests = {
        promise.number: [proof for proof in proven if promise.number in proof.promises]
        for promise in promised
    }
    without = ", ".join(f"P{promise.number}" for promise in promised if not tests[promise.number])
    rows = [_row(promise, tests[promise.number]) for promise in promised]
    sections = [_section(promise, tests[promise.number]) for promise in promised]
    return f"{HEAD}{''.join(rows)}\nWithout a test: {without or 'none'}.\n{''.join(sections)}"


def _row(promise: Promise, tests: Sequence[Proof]) -> str:
    name = f"P{promise.number}"
    counts = (
        len(tests),
        sum(test.on_both_databases for test in tests),
        sum(test.on_real_temporal for test in tests),
        sum(test.in_a_browser for test in tests),
    )
    link = f"[{name}](#{name.lower()})"
    return f"| {link} | {promise.title} | {promise.state} | {' | '.join(map(str, counts))} |\n"


def _section(promise: Promise, tests: Sequence[Proof]) -> str:
    rooms = groupby(sorted(tests, key=lambda test: test.room), key=lambda test: test.room)
    lists = "".join(_list(room or "the whole house", list(inside)) for room, inside in rooms)
    return f"\n## P{promise.number}\n\n{promise.title}.\n{lists}"


def _list(room: str, tests: Sequence[Proof]) -> str:
    lines = [f"\n<details><summary>{room}</summary>\n\n"]
    for path, inside in groupby(tests, key=lambda test: test.path):
        lines.append(f"* [{path.removeprefix('tests/')}](../{path})\n")
        lines += (f"  * {test.sentence}\n" for test in inside)
    return "".join([*lines, "\n</details>\n"])


def _proofs_below(folder: Path, above: Fixtures, house: Path) -> Iterator[Proof]:
    """Every test below a folder, naming promises or not; `above` are fixtures it inherits."""
    shared = folder / "conftest.py"
    fixtures = _fixtures(_read(shared), above) if shared.exists() else above
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            yield from _proofs_below(path, fixtures, house)
        elif path.match("test_*.py"):
            yield from _proofs_in(_read(path), path.relative_to(house).as_posix(), fixtures)


def _proofs_in(file: ast.Module, path: str, above: Fixtures) -> Iterator[Proof]:
    fixtures = _fixtures(file, above)
    for function in sorted(_functions(file), key=lambda function: function.name):
        if function.name.startswith("test_"):
            marks = _marks(function.decorator_list) | _marks(_marks_of_all(file))
            needed = _needed(function, fixtures)
            yield Proof(
                path=path,
                name=function.name,
                promises=_named(function) or _named_of_all(file),
                on_both_databases="database_kind" in needed and "postgresql" not in marks,
                on_real_temporal=bool(marks & {"temporal", "journey"}),
                in_a_browser="browser" in needed,
            )


def _named(function: Function) -> frozenset[int]:
    """P4 as well as P10-P12, which leaves out what is no promise."""
    words = f"{function.name.replace('_', ' ').upper()} {ast.get_docstring(function)}"
    ranges = (range(int(first), int(last) + 1) for first, last in RANGE.findall(words))
    return frozenset(map(int, ONE.findall(RANGE.sub("", words)))).union(
        number for numbers in ranges for number in numbers if number in NUMBERS
    )


def _named_of_all(file: ast.Module) -> frozenset[int]:
    """Without ranges: of a whole file they say what it is about, and not what each test proves."""
    return frozenset(map(int, ONE.findall(RANGE.sub("", ast.get_docstring(file) or ""))))


def _read(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def _functions(file: ast.Module) -> Iterator[Function]:
    return (node for node in file.body if isinstance(node, Function))


def _fixtures(file: ast.Module, above: Fixtures) -> Fixtures:
    """Those above and those of the file; one that asks for its own name asks for the one above."""
    own = {
        function.name: _asked_by(function)
        for function in _functions(file)
        if any("pytest.fixture" in ast.unparse(decorator) for decorator in function.decorator_list)
    }
    hidden = {name: above.get(name, frozenset()) for name, asked in own.items() if name in asked}
    return {**above, **own, **{name: own[name] | asked for name, asked in hidden.items()}}


def _asked_by(function: Function) -> frozenset[str]:
    return frozenset(argument.arg for argument in (*function.args.args, *function.args.kwonlyargs))


def _needed(function: Function, fixtures: Fixtures) -> set[str]:
    """What a test asks for, and what that asks for."""
    needed: set[str] = set()
    ahead = set(_asked_by(function))
    while ahead:
        name = ahead.pop()
        needed.add(name)
        ahead |= fixtures.get(name, frozenset()) - needed
    return needed


def _marks(nodes: Iterable[ast.expr]) -> set[str]:
    return {
        mark for node in nodes for mark in re.findall(r"\bpytest\.mark\.(\w+)", ast.unparse(node))
    }


def _marks_of_all(file: ast.Module) -> Iterator[ast.expr]:
    for node in file.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            yield node.value


def update() -> None:
    """Write the page."""
    promised = promises((ROOT / "README.md").read_text("utf-8"))
    PAGE.write_text(page(promised, proofs()), "utf-8")


if __name__ == "__main__":
    update()
