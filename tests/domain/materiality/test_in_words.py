"""Legal reads words, never codes: every code that the engine can give has them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.materiality import Practice, Verdict, assess, harmless, in_words
from domain.materiality.general_rules import BURDENING
from domain.texts.alignment import ChangeKind

SOURCES = Path(in_words.__file__).parent
BASIS = re.compile(r"(?:colorado|wp260|policy)\.[a-z0-9_.]+")


def trees() -> Iterator[ast.Module]:
    for path in sorted(SOURCES.glob("*.py")):
        if path.name != "in_words.py":
            yield ast.parse(path.read_text("utf-8"))


def basis_codes() -> set[str]:
    """Every code written out in a rule, and those that `practice.widened` puts together."""
    written = {
        node.value
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and BASIS.fullmatch(node.value)
    }
    ready = {code for code in written if not code.endswith(".")}
    built = {"categories" if kind == "data" else kind for kind in BURDENING}
    return ready | {f"{start}{end}" for start in written - ready for end in built}


def reason_codes() -> set[str]:
    """Every name that a function returns, or a case is given, for what shows a change harmless."""
    given: set[str] = set()
    for tree in trees():
        for node in ast.walk(tree):
            match node:
                case ast.FunctionDef(returns=ast.BinOp() as returns) if (
                    ast.unparse(returns) == "str | None"
                ):
                    told = [one.value for one in ast.walk(node) if isinstance(one, ast.Return)]
                case ast.keyword(arg="cleared_as", value=value):
                    told = [value]
                case (
                    ast.FunctionDef(name="_cleared_as")
                    | ast.Call(
                        func=ast.Attribute(value=ast.Attribute(attr="cleared"), attr="append")
                    )
                ):
                    told = [one for one in ast.walk(node) if isinstance(one, ast.Constant)]
                case _:
                    continue
            given |= {name for value in told for name in names_in(value)}
    return given | harmless.WHATEVER_IT_SAYS.keys() | harmless.IF_NOTHING_DECIDES.keys()


def names_in(value: ast.expr | None) -> Iterator[str]:
    match value:
        case ast.Constant(value=str(name)) if re.fullmatch(r"[a-z][a-z ]+", name):
            yield name
        case ast.IfExp(body=body, orelse=other):
            yield from names_in(body)
            yield from names_in(other)


def test_every_basis_that_a_rule_can_give_is_spelled_out() -> None:
    assert basis_codes() == set(in_words.BASES)


def test_everything_that_shows_a_change_harmless_is_explained() -> None:
    assert reason_codes() == set(in_words.REASONS)


def test_every_verdict_practice_and_kind_of_change_has_words() -> None:
    assert set(in_words.VERDICTS) == set(Verdict)
    assert set(in_words.PRACTICES) == set(Practice)
    assert set(in_words.KINDS) == set(ChangeKind)


def test_how_sure_is_the_record_of_the_rule_and_nothing_without_one() -> None:
    """P2: never an invented number."""
    longer, shorter = assess(
        "We keep recordings for 30 days.\n\nWe answer every request within thirty days.\n",
        "We keep recordings for one year.\n\nWe answer every request within twenty days.\n",
    ).findings
    assert longer.right is not None
    assert in_words.track_record(longer) == (
        f"this rule was right {longer.right.right} of {longer.right.of} times "
        "on changes read by people"
    )
    assert shorter.right is None
    assert in_words.track_record(shorter) is None


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("30 Tage", "90 Tage", "30 gone; 90 new"),
        ("30 Tage", "dreißig Tage", "30 gone"),
        ("1.000,50 Euro, 2 Mal", "1.000,50 Euro, 2 Mal, 2 Jahre", "2 new"),
        ("30 Tage", "nach 30 Tagen", None),
    ],
)
def test_figures_that_differ_are_named_in_any_language(
    before: str, after: str, told: str | None
) -> None:
    assert in_words.figures(before, after) == told
