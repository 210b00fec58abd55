"""Who looks is told of an import that was left in the middle, before it stood or afterwards."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from database.imports import account_imports, unfinished_imports
from health.imports import imports
from health.lookout import Answer
from settings import ROOT
from tests.people import ALICE, BOB
from tests.scene import NOW, Scene

FAILURES = (ROOT / "docs" / "failures.md").read_text("utf-8")
A_MINUTE, AN_HOUR = timedelta(minutes=1), timedelta(hours=1)

Told = Callable[[timedelta], Answer]


@pytest.fixture
def scene(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr(unfinished_imports, "STANDSTILL_SECONDS", 0)
    return scene


@pytest.fixture
def told(scene: Scene) -> Told:
    """What is said of imports so long after NOW."""

    def told(later: timedelta) -> Answer:
        with scene.database.session() as session:
            return imports(session, NOW + later)

    return told


def killed_before_it_stood(scene: Scene) -> UUID:
    import_id, omar = uuid4(), scene.staff["omar"]
    rows = [ALICE, BOB]
    staging = account_imports.stage(scene.database, import_id, rows, asserted_by=omar, now=NOW)
    assert sum(staging) == 2
    return import_id


def killed_afterwards(scene: Scene) -> None:
    assert account_imports.decide(scene.database, killed_before_it_stood(scene), NOW)


def test_without_imports_all_is_well(told: Told) -> None:
    assert told(A_MINUTE) == Answer(word="none is under way")


def test_a_file_that_never_came_to_stand_is_told_of_until_it_is_thrown_away(
    scene: Scene, told: Told
) -> None:
    killed_before_it_stood(scene)
    assert told(A_MINUTE).well
    found = told(AN_HOUR)
    assert (found.well, found.remedy) == (False, "import-undecided")
    assert found.word == "a file was put aside on 2026-03-02 09:00 UTC and is not decided"
    unfinished_imports.finish_imports(scene.database, NOW + account_imports.LONGEST_STAGING)
    assert told(account_imports.LONGEST_STAGING) == Answer(word="none is under way")


def test_an_import_that_stands_is_told_of_until_it_was_carried_on_and_that_too(
    scene: Scene, told: Told
) -> None:
    killed_afterwards(scene)
    assert told(A_MINUTE).well
    found = told(AN_HOUR)
    assert (found.well, found.remedy) == (False, "import-unfinished")
    assert found.word == (
        "one stands since 2026-03-02 09:00 UTC and is not done; rows left: 2; "
        "a large file takes longer, and is well as long as they become fewer"
    )
    assert unfinished_imports.finish_imports(scene.database, NOW + AN_HOUR) == 1
    assert told(AN_HOUR) == Answer(
        word="none is under way; one left in the middle was carried on 2026-03-02 10:00 UTC"
    )


@pytest.mark.parametrize("killed", [killed_before_it_stood, killed_afterwards])
def test_the_page_quotes_the_words_that_are_said(
    scene: Scene, told: Told, killed: Callable[[Scene], object]
) -> None:
    killed(scene)
    found = told(AN_HOUR)
    (line,) = [line for line in FAILURES.splitlines() if line.startswith(f"| `{found.remedy}`")]
    quoted = line.split("|")[2].split("`")[1::2]
    assert quoted
    assert all(words in found.word for words in quoted)
    assert not any(person.email in found.word for person in (ALICE, BOB))
