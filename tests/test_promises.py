"""Each promise that works has tests, and `docs/promises.md` names them."""

from dataclasses import replace
from pathlib import Path

import pytest

from settings import ROOT
from tests.promises import NUMBERS, PAGE, Promise, Proof, gaps, page, promises, proofs

README = (ROOT / "README.md").read_text("utf-8")
KEPT = [
    Promise(number=number, title="A promise", state="works" if number == 4 else "in work")
    for number in sorted(NUMBERS)
]
NOTICE = Proof(
    path="tests/web/test_notices.py",
    name="test_alice_reads_the_notice",
    promises=frozenset({4}),
    on_both_databases=True,
    on_real_temporal=False,
    in_a_browser=False,
)


@pytest.fixture(scope="module")
def proven() -> list[Proof]:
    return proofs()


def test_the_page_of_promises_is_up_to_date(proven: list[Proof]) -> None:
    up_to_date = PAGE.read_text("utf-8") == page(promises(README), proven)
    assert up_to_date, "docs/promises.md is not what README and tests say: type `make promises`"


def test_what_readme_says_works_is_tested(proven: list[Proof]) -> None:
    assert gaps(promises(README), proven) == []


def test_a_promise_that_works_and_has_no_test_is_named() -> None:
    assert gaps(KEPT, [NOTICE]) == []
    assert gaps(KEPT, []) == ["P4: README says that it works, and no test names it."]


def test_a_row_that_is_missing_is_named() -> None:
    assert gaps(KEPT[1:], [NOTICE]) == ["P1: README has no row for it."]


def test_a_promise_that_nobody_made_is_named() -> None:
    (said,) = gaps(KEPT, [NOTICE, replace(NOTICE, promises=frozenset({27}))])
    assert said.startswith("P27: there is no such promise")
    assert said.endswith("tests/web/test_notices.py names it in test_alice_reads_the_notice.")


def test_the_page_says_what_has_no_test_and_counts_what_has() -> None:
    told = page(KEPT[3:5], [NOTICE])
    assert "| [P4](#p4) | A promise | works | 1 | 1 | 0 | 0 |" in told
    assert "\nWithout a test: P5.\n" in told
    assert "[web/test_notices.py](../tests/web/test_notices.py)\n  * Alice reads the notice" in told


def test_a_test_says_in_its_name_its_docstring_or_its_file_what_it_proves(tmp_path: Path) -> None:
    file(
        tmp_path / "tests" / "test_all.py",
        '"""Of P10-P12, and P7."""',
        'def test_a_notice_comes():\n    """P4, P30 to P32."""',
        "def test_b_for_p21_it_is_late(): ...",
        "async def test_c_says_nothing(): ...",
        'def test_d_has_a_range():\n    """P8-P10: without what is none."""',
        'def not_a_test():\n    """P5."""',
    )
    file(tmp_path / "tests" / "web" / "test_more.py", "def test_that_promises_nothing(): ...")
    assert {proof.name[5]: set(proof.promises) for proof in proofs(tmp_path)} == {
        "a": {4, 30, 31, 32},
        "b": {21},
        "c": {7},
        "d": {8, 10},
    }


def test_what_a_test_runs_on_follows_from_its_marks_and_fixtures(tmp_path: Path) -> None:
    file(
        tmp_path / "tests" / "conftest.py",
        "@pytest.fixture\ndef database(database_kind): ...",
        "@pytest.fixture\ndef scene(database): ...",
    )
    file(
        tmp_path / "tests" / "journeys" / "test_here.py",
        '"""P1."""',
        "pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]",
        "@pytest.fixture(scope='module')\ndef scene(): ...",
        "@pytest.fixture\ndef phones(browser): ...",
        "def test_a_in_a_browser(scene, phones): ...",
    )
    file(
        tmp_path / "tests" / "web" / "test_there.py",
        '"""P1."""',
        "@pytest.fixture\ndef scene(scene): ...",
        "def test_b_on_both(*, scene): ...",
        "@pytest.mark.postgresql\ndef test_c_on_one_alone(scene): ...",
        "@pytest.mark.temporal\ndef test_d_on_temporal(): ...",
    )
    assert {
        proof.name[5]: (proof.on_both_databases, proof.on_real_temporal, proof.in_a_browser)
        for proof in proofs(tmp_path)
    } == {
        "a": (False, True, True),
        "b": (True, False, False),
        "c": (False, False, False),
        "d": (False, True, False),
    }


def file(path: Path, *parts: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(parts), "utf-8")
