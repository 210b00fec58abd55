"""What no machine reaches waits for a person, whatever is asked and however often."""

from data_sources.data_map import ManualDescription
from data_sources.manual import ManualSource
from data_sources.source import DataSource
from domain.requests.personal_data import Correction, Verb
from tests.data_sources.fernhill import ALICE, CALL, read_map


def test_each_verb_waits_for_somebody_and_tells_nobody_who_it_is_about() -> None:
    """P11, P31: ids cross Temporal, and logs show no person."""
    about = next(one for one in read_map().sources if isinstance(one, ManualDescription))
    paper: DataSource = ManualSource(about)
    for _ in range(2):
        answers = [
            paper.locate(ALICE, CALL),
            paper.export(ALICE, CALL),
            paper.correct(ALICE, [], CALL),
            paper.restrict(ALICE, CALL, restricted=False),
            paper.erase(ALICE, CALL),
            paper.suppress(ALICE, CALL),
        ]
        waits = [(answer.source, answer.verb) for answer in answers]  # type: ignore[union-attr]
        assert waits == [
            ("paper", verb)
            for verb in (
                Verb.LOCATE,
                Verb.EXPORT,
                Verb.CORRECT,
                Verb.RESTRICT,
                Verb.ERASE,
                Verb.SUPPRESS,
            )
        ]
        assert "alice" not in repr(answers)
    assert "alice" not in repr(Correction(category="Contracts", field="x", before="alice", after=1))
