"""The late reply counts as approved once two of privacy read these very words (P21)."""

from pathlib import Path

import pytest
from sqlmodel import select

from database.people.staff import StaffRefused
from database.requests.late_replies import approve_late_reply, is_approved, unapproved
from database.tables import Fact
from domain.requests.data_subject_requests import STAGE_WORDS
from mail.late_reply import late_reply
from mail.message import Templates
from settings import ROOT
from tests.scene import NOW, Scene

TEMPLATES = ROOT / "email_templates"


def approve(scene: Scene, who: str, sha256: str) -> None:
    with scene.database.transaction() as transaction:
        approve_late_reply(transaction, language="en", sha256=sha256, by=scene.staff[who], now=NOW)


def test_it_takes_two_and_one_counts_once(scene: Scene) -> None:
    approve(scene, "petra", "a" * 64)
    approve(scene, "petra", "a" * 64)
    with scene.database.session() as session:
        assert not is_approved(session, "a" * 64)
        assert unapproved(session, {"en": "a" * 64, "de": "b" * 64}) == ["en", "de"]
    approve(scene, "paul", "a" * 64)
    with scene.database.session() as session:
        assert unapproved(session, {"en": "a" * 64, "de": "b" * 64}) == ["de"]
        facts = session.exec(select(Fact).where(Fact.kind == "late_reply.approved")).all()
    assert len(facts) == 2


def test_only_privacy_approves_it(scene: Scene) -> None:
    """P30."""
    with pytest.raises(StaffRefused):
        approve(scene, "lena", "a" * 64)


@pytest.mark.parametrize("language", ["en", "de"])
def test_it_has_words_for_every_stage_and_names_nothing_of_a_request(language: str) -> None:
    """P21: a hash that is the same each time, with braces where a request differs."""
    reply = late_reply(Templates(TEMPLATES), language)
    assert set(reply.texts) == set(STAGE_WORDS)
    assert len(set(reply.texts.values())) == len(STAGE_WORDS)
    differs = ("{reference}", "{answer_by_on}", "{authority_name}")
    assert all(name in text for text in reply.texts.values() for name in differs)
    assert late_reply(Templates(TEMPLATES), language).sha256 == reply.sha256


def test_other_words_have_another_hash(tmp_path: Path) -> None:
    """Also where only the page of the mail says something else."""
    for path in TEMPLATES.rglob("*.*"):
        copy = tmp_path / path.relative_to(TEMPLATES)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    before = late_reply(Templates(tmp_path), "en").sha256
    page = tmp_path / "request_late_reply" / "body.html"
    page.write_text(page.read_text().replace("we are sorry", "we are not sorry"))
    assert late_reply(Templates(tmp_path), "en").sha256 != before
    assert late_reply(Templates(TEMPLATES), "en").sha256 == before
