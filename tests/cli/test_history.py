"""`policy import-history`: a policy begins with what was in force before it."""

from pathlib import Path

import pytest

from database.engine import Database
from database.policies import policies
from tests.cli.conftest import PromiseKeeper
from tests.people import POLICY


@pytest.fixture
def past(tmp_path: Path) -> Path:
    folder = tmp_path / "past"
    folder.mkdir()
    for number, day in ((1, "2019-07-01"), (2, "2024-01-01")):
        text = f"+++\nin_force_on = {day}\n+++\n\nWe keep letters for {number} years.\n"
        (folder / f"{number}.md").write_text(text)
    return folder


@pytest.fixture
def policy(promisekeeper: PromiseKeeper) -> str:
    added = promisekeeper("policy", "add", POLICY, "--title", "Privacy", "--owner", "lena")
    assert added.exit_code == 0, added.stderr
    return POLICY


def numbers(database: Database) -> list[int]:
    with database.session() as session:
        policy = policies.policy_by_slug(session, POLICY)
        return [version.number for version in policies.versions(session, policy.id)]


def test_all_of_it_is_taken_in_once(
    database: Database, promisekeeper: PromiseKeeper, policy: str, past: Path
) -> None:
    command = ("policy", "import-history", policy, str(past), "--as", "lena")
    assert promisekeeper(*command, "--dry-run").exit_code == 0
    assert numbers(database) == []
    taken = promisekeeper(*command)
    assert taken.exit_code == 0, taken.stderr
    assert "2024-01-01" in taken.stdout
    assert numbers(database) == [1, 2]
    again = promisekeeper(*command)
    assert (again.exit_code, "has versions already" in again.stderr) == (1, True)


def test_one_file_that_is_wrong_keeps_all_of_it_out(
    database: Database, promisekeeper: PromiseKeeper, policy: str, past: Path
) -> None:
    (past / "3.md").write_text("We forgot the date.\n")
    refused = promisekeeper("policy", "import-history", policy, str(past), "--as", "lena")
    assert (refused.exit_code, "3.md: in_force_on: give the day" in refused.stderr) == (2, True)
    assert numbers(database) == []


def test_only_legal_may(
    database: Database, promisekeeper: PromiseKeeper, policy: str, past: Path
) -> None:
    refused = promisekeeper("policy", "import-history", policy, str(past), "--as", "omar")
    assert (refused.exit_code, "takes the role legal" in refused.stderr) == (1, True)
    assert numbers(database) == []


def test_a_folder_that_is_not_there_is_bad_usage(
    promisekeeper: PromiseKeeper, policy: str, past: Path
) -> None:
    nowhere = str(past / "nowhere")
    refused = promisekeeper("policy", "import-history", policy, nowhere, "--as", "lena")
    assert (refused.exit_code, "no such file" in refused.stderr) == (2, True)
