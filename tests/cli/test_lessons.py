"""What legal decided becomes cases that the benchmark reads, and counts for each rule (P2)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from benchmarks import materiality
from cli.main import app
from database.campaigns.reviews import ReviewContent
from database.people.accounts import AccountRow
from database.policies import assessments, policies
from database.tables import Finding, PolicyVersion
from domain.policies.lessons import MISSED, SOMEBODY
from domain.policies.reviews import BY_LEGAL, FindingStatus, VersionClass, VersionState
from tests.people import ALICE, BOB, CAROL, DORA, POLICY, personal_words
from tests.scene import FIRST_DAY, NOW, Scene
from tests.texts import FIRST, SECOND

Run = Callable[..., Result]
UNSEEN = "We greet every visitor with a song."
WITH_A_SONG = SECOND + f"\n{UNSEEN}\n"
CORRECTED = WITH_A_SONG.replace("disadvantge", "disadvantage")
WHY_CONFIRMED, WHY_DISMISSED, WHY_AGREED = "sold, not kept", "only recordings", "I agree"
WHY_ADDED = "nobody wants to be\u2028sung at"  # for some readers a line ends there


@pytest.fixture
def promisekeeper(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `promisekeeper ARGUMENTS` over the scene."""
    monkeypatch.setenv("PROMISEKEEPER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("PROMISEKEEPER_DATABASE_URL", scene.database.url)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def first(scene: Scene) -> PolicyVersion:
    version = scene.submit(FIRST, now=FIRST_DAY)
    scene.put_in_force(version, FIRST_DAY)
    return version


@pytest.fixture
def second(scene: Scene, first: PolicyVersion) -> PolicyVersion:
    """Version 2: sells data, keeps recordings longer, and sings; in review."""
    version = scene.submit(WITH_A_SONG)
    scene.assess(first, version=version)
    return version


@pytest.fixture
def reviewed(scene: Scene, second: PolicyVersion) -> PolicyVersion:
    """Noor confirms the sale; she and Omar dismiss the rest; Noor adds the song."""
    sale, *rest = open_findings(scene, second)
    scene.review(second, ReviewContent(confirm=(sale.key,)), reason=WHY_CONFIRMED)
    dismiss = ReviewContent(dismiss=tuple(finding.key for finding in rest))
    scene.review(second, dismiss, reason=WHY_DISMISSED)
    scene.review(second, dismiss, by="omar", reason=WHY_AGREED)
    added = ReviewContent(add=(UNSEEN,), version_class=VersionClass.APPROVAL)
    scene.review(second, added, reason=WHY_ADDED)
    return second


def open_findings(scene: Scene, version: PolicyVersion) -> list[Finding]:
    """What is open about a version, the sale of data first."""
    with scene.database.session() as session:
        found = assessments.findings_of(session, version.id)
    waiting = [finding for finding in found if finding.status == FindingStatus.OPEN]
    return sorted(waiting, key=lambda finding: "sell" not in (finding.after or ""))


def cases(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (directory / "labels.jsonl").read_text().splitlines()]


def contents(directory: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(directory)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in directory.rglob("*")
        if path.is_file()
    }


def agreement(run: Run, *arguments: str) -> dict[str, dict[str, Any]]:
    answered = run("policy", "agreement", *arguments, "--format", "json")
    assert answered.exit_code == 0, answered.stderr
    return {row.pop("rule"): row for row in json.loads(answered.stdout)}


def test_what_legal_decided_becomes_a_case_that_the_engine_is_measured_on(
    scene: Scene, reviewed: PolicyVersion, promisekeeper: Run, tmp_path: Path
) -> None:
    """P2: submitted, reviewed, exported, read, assessed, and counted for each rule."""
    written = promisekeeper("policy", "lessons", POLICY, "--to", tmp_path / "cases")
    assert written.exit_code == 0, written.stderr
    assert "1 new" in written.stdout

    [pair] = materiality.load(tmp_path / "cases")
    assert (pair.before, pair.after) == (FIRST, WITH_A_SONG)
    assert (pair.label, pair.family, pair.counts) == (materiality.POSITIVE, POLICY, True)
    assert pair.quote == "We may sell your personal data to advertising partners."
    figures = materiality.score([materiality.answer(pair)])
    assert (figures["positives"], figures["quote_shown"]["right"]) == (1, 1)

    [case] = cases(tmp_path / "cases")
    assert (case["quote_in"], case["confidence"], case["artifact"]) == ("after", 3, False)
    assert case["rationale"] == f"{WHY_CONFIRMED} / {WHY_ADDED}"
    answers = {(one["answer"], one["people"], one["reason"]) for one in case["findings"]}
    assert answers == {
        ("confirmed", 1, WHY_CONFIRMED),
        ("dismissed", 2, f"{WHY_DISMISSED} / {WHY_AGREED}"),
        ("confirmed", 1, WHY_ADDED),
    }
    assert {one["by"] for one in case["findings"]} == {"legal"}

    rules = agreement(promisekeeper, POLICY)
    engine = [rules[one["rule"]] for one in case["findings"] if one["rule"] != BY_LEGAL]
    assert {"confirmed": 1, "dismissed": 0, "open": 0, "agreed": 1.0} in engine
    assert {"confirmed": 0, "dismissed": 1, "open": 0, "agreed": 0.0} in engine
    assert rules[MISSED] == {"confirmed": 1, "dismissed": 0, "open": 0, "agreed": None}
    assert list(rules)[-1] == MISSED
    assert agreement(promisekeeper) == rules
    assert MISSED in promisekeeper("policy", "agreement").stdout


def test_dismissing_everything_makes_a_harmless_case(
    scene: Scene, second: PolicyVersion, promisekeeper: Run, tmp_path: Path
) -> None:
    """P2: the engine was wrong, and is measured on it."""
    everything = ReviewContent(dismiss=tuple(f.key for f in open_findings(scene, second)))
    scene.review(second, everything)
    refused = promisekeeper("policy", "lessons", POLICY, "--to", tmp_path / "cases")
    assert (refused.exit_code, (tmp_path / "cases").exists()) == (1, False)
    scene.review(second, everything, by="omar")
    assert promisekeeper("policy", "lessons", POLICY, "--to", tmp_path / "cases").exit_code == 0
    [pair] = materiality.load(tmp_path / "cases")
    assert pair.label == "neutral"
    assert materiality.score([materiality.answer(pair)])["negatives"] == 1


def test_writing_twice_changes_nothing_and_keeps_what_is_there(
    reviewed: PolicyVersion, promisekeeper: Run, tmp_path: Path
) -> None:
    directory = tmp_path / "cases"
    (directory / "pairs" / "d1").mkdir(parents=True)
    for side in ("before", "after"):
        (directory / "pairs" / "d1" / f"{side}.md").write_text("Elsewhere\u2028said.\n")
    theirs = '{"id":"d1",  "label":"none","categories":[],"quote":"“", "family":"d", '
    theirs += '"confidence":2,"artifact":false}'
    (directory / "labels.jsonl").write_text(theirs)  # its last line does not end
    lessons = ("policy", "lessons", POLICY, "2", "--to", directory)
    assert "1 new" in promisekeeper(*lessons).stdout
    once = contents(directory)
    assert (directory / "labels.jsonl").read_text().splitlines()[0] == theirs
    assert {pair.id for pair in materiality.load(directory)} > {"d1"}
    again = promisekeeper(*lessons)
    assert "0 new, 0 changed, 1 as they were" in again.stdout
    assert contents(directory) == once


def test_a_case_follows_what_legal_says_later(
    scene: Scene, second: PolicyVersion, promisekeeper: Run, tmp_path: Path
) -> None:
    lessons = ("policy", "lessons", POLICY, "--to", tmp_path)
    sale, *rest = open_findings(scene, second)
    scene.review(second, ReviewContent(confirm=(sale.key,)))
    assert "1 new" in promisekeeper(*lessons).stdout
    assert len(cases(tmp_path)[0]["findings"]) == 1
    scene.review(second, ReviewContent(confirm=tuple(finding.key for finding in rest)))
    assert "0 new, 1 changed" in promisekeeper(*lessons).stdout
    [case] = cases(tmp_path)
    assert len(case["findings"]) == 1 + len(rest)


def test_a_comparison_that_waits_for_legal_is_named_and_not_written(
    scene: Scene,
    first: PolicyVersion,
    reviewed: PolicyVersion,
    promisekeeper: Run,
    tmp_path: Path,
) -> None:
    scene.put_in_force(reviewed, NOW)
    third = scene.submit(WITH_A_SONG.replace("one year", "ten years"))
    scene.assess(reviewed, version=third)
    written = promisekeeper("policy", "lessons", POLICY, "--to", tmp_path)
    assert "Version 3 against 2: not decided yet, not written." in written.stdout
    assert [case["id"][:18] for case in cases(tmp_path)] == [f"{POLICY}-1-2"]


def test_an_inherited_decision_is_a_case_of_its_own_and_the_same_answer(
    scene: Scene,
    first: PolicyVersion,
    reviewed: PolicyVersion,
    promisekeeper: Run,
    tmp_path: Path,
) -> None:
    """P6: version 3 corrects a typing error; legal is not asked again nor counted twice."""
    counted = agreement(promisekeeper)
    scene.put_in_force(reviewed, NOW)
    third = scene.submit(CORRECTED)
    scene.assess(first, version=third)
    assert open_findings(scene, third) == []
    assert agreement(promisekeeper) == counted
    assert promisekeeper("policy", "lessons", POLICY, "3", "--to", tmp_path).exit_code == 0
    [case] = cases(tmp_path)
    assert case["id"].startswith(f"{POLICY}-1-3-")
    assert case["rationale"] == f"{WHY_CONFIRMED} / {WHY_ADDED}"
    assert {one["people"] for one in case["findings"] if one["answer"] == "dismissed"} == {2}


def test_words_that_an_older_text_has_too_are_no_change_from_it(
    scene: Scene, first: PolicyVersion, promisekeeper: Run, tmp_path: Path
) -> None:
    """P2: what legal adds is held against each older text; here one of them sings already."""
    sang = scene.submit(FIRST + f"\n{UNSEEN}\n")
    scene.put_in_force(sang, NOW)
    third = scene.submit(WITH_A_SONG)
    scene.assess(sang, first, version=third)
    everything = ReviewContent(dismiss=tuple(f.key for f in open_findings(scene, third)))
    for by in ("noor", "omar"):
        scene.review(third, everything, by=by)
    scene.review(third, ReviewContent(add=(UNSEEN,)))
    assert promisekeeper("policy", "lessons", POLICY, "--to", tmp_path).exit_code == 0
    assert [pair.label for pair in materiality.load(tmp_path)] == [materiality.POSITIVE, "neutral"]


def test_no_case_names_a_person(
    scene: Scene, second: PolicyVersion, promisekeeper: Run, tmp_path: Path
) -> None:
    """P30: a reason is free text, and leaves the house without names and addresses."""
    wild = AccountRow(external_id="100%_\\", email="w@people.example", name="Wild % Card\\")
    scene.import_accounts(ALICE, BOB, CAROL, DORA, wild)
    reason = f"omar and Noor agree with wild % card\\, {wild.external_id}, alice abel; "
    names = [word for word in personal_words() if not word.endswith(".example")]
    reason += " ".join(names)
    content = ReviewContent(confirm=tuple(f.key for f in open_findings(scene, second)))
    scene.review(second, content, reason=f"{reason} w@people.example; longer")
    assert promisekeeper("policy", "lessons", POLICY, "--to", tmp_path).exit_code == 0
    [case] = cases(tmp_path)
    assert SOMEBODY in case["rationale"]
    assert case["rationale"].endswith("; longer")
    written = (tmp_path / "labels.jsonl").read_text().lower()
    personal = ("omar", "noor", "lena", "wild", "100%", "alice", "bob", "w@people.example")
    named = [word for word in (*personal, *names) if word.lower() in written]
    assert named == []
    assert str(scene.staff["noor"]) not in written


def test_what_was_open_when_a_version_was_rejected_asks_nobody(
    scene: Scene, second: PolicyVersion, promisekeeper: Run
) -> None:
    rules = agreement(promisekeeper)
    assert sum(rule["open"] for rule in rules.values()) >= 2
    with scene.database.transaction() as transaction:
        transaction.get_one(PolicyVersion, second.id).state = VersionState.REJECTED
    assert agreement(promisekeeper) == {}


def test_each_policy_has_its_own_report(scene: Scene, reviewed: PolicyVersion) -> None:
    from database.policies.lessons import agreement_of, lessons_of

    with scene.database.transaction() as transaction:
        other = policies.add_policy(
            transaction, slug="cookies", title="cookies", owner_id=scene.staff["lena"]
        )
        assert agreement_of(transaction, other) == ()
        assert lessons_of(transaction, other) == []
        assert agreement_of(transaction)


@pytest.mark.usefixtures("second")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([POLICY], "policy review privacy-policy NUMBER"),
        ([POLICY, "2"], "policy review privacy-policy 2"),
        ([POLICY, "7"], "no version 7"),
        (["nothing"], "no policy 'nothing'"),
    ],
)
def test_without_a_decision_nothing_is_written(
    promisekeeper: Run, tmp_path: Path, arguments: list[str], words: str
) -> None:
    refused = promisekeeper("policy", "lessons", *arguments, "--to", tmp_path / "cases")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert words in refused.stderr
    assert not (tmp_path / "cases").exists()


@pytest.mark.usefixtures("reviewed")
def test_a_folder_of_something_else_is_left_alone(promisekeeper: Run, tmp_path: Path) -> None:
    labels = tmp_path / "labels.jsonl"
    labels.write_text('{"id": "d1"}\nnot a label\n')
    refused = promisekeeper("policy", "lessons", POLICY, "--to", tmp_path)
    assert refused.exit_code == 2
    assert "line 2 is no label" in refused.stderr
    assert labels.read_text() == '{"id": "d1"}\nnot a label\n'
    assert not (tmp_path / "pairs").exists()
    refused = promisekeeper("policy", "lessons", POLICY, "--to", labels)
    assert (refused.exit_code, refused.stderr.count("labels.jsonl")) == (2, 1)
