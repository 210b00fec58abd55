"""An HTTP service is asked by signed calls, and believed only where its answer can be right."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clock import real_now
from data_sources import http
from data_sources.data_map import HttpDescription
from data_sources.http import HttpSource
from data_sources.source import SourceUnavailable, SourceWrong
from domain.requests.personal_data import Correction, Failed, Origin, Person, Retained, Verb
from tests.data_sources.example_service import (
    CALLS,
    SECRET,
    TICKETS,
    Entry,
    Service,
    chunk_drop_by_drop,
    drop_by_drop,
    hang_up,
    headers_drop_by_drop,
    keep_silent,
    last_chunk_drop_by_drop,
    running_service,
    say,
)
from tests.data_sources.fernhill import ALICE, BOB, CALL, done, located, retained, values
from tests.own_settings import free_ports

Answering = Callable[[BaseHTTPRequestHandler], None]
OTHER_SECRET = "whsec_" + "A" * 32


@pytest.fixture
def service() -> Iterator[Service]:
    with running_service() as service:
        for name in ("alice", "bob"):
            address = f"{name}@people.example"
            service.entries += [
                Entry(id=f"{name}-1", category=TICKETS, address=address, values={"subject": name}),
                Entry(
                    id=f"{name}-2",
                    category=CALLS,
                    address=address,
                    values={"length": 31, "words": "Hello"},
                    kept_by="claims",
                ),
            ]
        yield service


def asked(service: Service, secret: str = SECRET, **changes: object) -> HttpSource:
    """The source that asks the service."""
    described = {
        "name": "desk",
        "title": "The support desk",
        "kind": "http",
        "role": "processor",
        "controller": "Harbour Dental Clinic",
        "url": service.url,
        "secret_file": "desk.secret",
        "timeout_seconds": 1,
        "retention": {"claims": {"reason": "Claims", "years": 3, "after": "the call ended"}},
        "category": [
            {
                "name": TICKETS,
                "purpose": "Support",
                "legal_basis": "contract",
                "origin": "provided",
                "kept": "a year",
                "fields": {"subject": {}},
            },
            {
                "name": CALLS,
                "purpose": "Training",
                "legal_basis": "consent",
                "origin": "observed",
                "kept": "a year",
                "fields": {"length": {}, "words": {"others": True}},
            },
        ],
    }
    about = HttpDescription.model_validate({**described, **changes})
    return HttpSource(about, secret, outside_clock=real_now)


def test_the_service_tells_what_it_holds_and_the_map_says_why(service: Service) -> None:
    """P10, P11."""
    desk = asked(service)
    assert located(desk.locate(ALICE, CALL)) == {TICKETS: 1, CALLS: 1}
    exported = desk.export(ALICE, CALL)
    assert values(exported, "subject") == ["alice"]
    words = exported.records[-1]
    assert (words.field, words.others, words.origin) == ("words", True, Origin.OBSERVED)
    assert words.purpose == "Training"


def test_nothing_found_is_an_answer(service: Service) -> None:
    """P10."""
    nobody = Person(addresses=("nobody@elsewhere.example",))
    assert located(asked(service).locate(nobody, CALL)) == {}
    assert asked(service).export(nobody, CALL).records == ()


def test_an_erasure_may_be_repeated_and_says_what_stays(service: Service) -> None:
    """P13."""
    desk = asked(service)
    first, again = (desk.erase(ALICE, CALL) for _ in range(2))
    assert (done(first), done(again)) == ({TICKETS: 1}, {})
    kept = Retained(
        category=CALLS,
        rows=1,
        reason="Claims",
        until="3 years after the call ended",
        until_on=first.retained[0].until_on,
    )
    assert first.retained == again.retained == (kept,)
    assert located(desk.locate(ALICE, CALL)) == retained(first)
    assert located(desk.locate(BOB, CALL)) == {TICKETS: 1, CALLS: 1}


def test_corrections_restrictions_and_suppressions_reach_it(service: Service) -> None:
    """P12, P14, P15."""
    desk = asked(service)
    subject = Correction(category=TICKETS, field="subject", before="alice", after="Älice")
    assert done(desk.correct(ALICE, [subject], CALL)) == {TICKETS: 1}
    assert values(desk.export(ALICE, CALL), "subject") == ["Älice"]
    desk.restrict(ALICE, CALL)
    assert [entry.restricted for entry in service.entries] == [True, True, False, False]
    desk.restrict(ALICE, CALL, restricted=False)
    desk.suppress(ALICE, CALL)
    assert [entry.contacted for entry in service.entries] == [False, False, True, True]
    assert not any(entry.restricted for entry in service.entries)


def test_a_repeated_call_has_the_same_id_and_another_verb_another_one(service: Service) -> None:
    desk = asked(service)
    for ask in (desk.erase, desk.erase, desk.suppress):
        ask(ALICE, CALL)
    assert service.ids == [f"erase_{CALL.id}"] * 2 + [f"suppress_{CALL.id}"]
    assert service.heard[0] == {
        "protocol": 1,
        "verb": "erase",
        "call": CALL.id,
        "as_of": "2026-03-02T09:00:00Z",
        "person": {"addresses": ["alice@people.example"], "external_ids": ["a-alice"]},
    }


def test_who_does_not_know_the_secret_is_told_nothing(service: Service) -> None:
    """P32."""
    with pytest.raises(SourceWrong, match="desk answers 401"):
        asked(service, OTHER_SECRET).export(ALICE, CALL)
    assert service.heard == []


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_service_in_trouble_is_asked_again_later_and_not_at_once(
    service: Service, status: int
) -> None:
    service.answers = [partial(say, status=status, content={})]
    with pytest.raises(SourceUnavailable, match=f"desk answers {status}.*asking again is safe"):
        asked(service).erase(ALICE, CALL)
    assert len(service.heard) == 1


@pytest.mark.parametrize(
    "answer",
    [
        keep_silent,
        drop_by_drop,
        headers_drop_by_drop,
        chunk_drop_by_drop,
        last_chunk_drop_by_drop,
        hang_up,
    ],
)
def test_half_an_answer_is_none(service: Service, answer: Answering) -> None:
    """A time-out half way through an erasure: whether it was done is asked again."""
    service.answers = [answer]
    with pytest.raises(SourceUnavailable):
        asked(service).erase(ALICE, CALL)
    assert asked(service).erase(ALICE, CALL).retained


def test_where_nobody_listens_nothing_of_the_person_is_told(service: Service) -> None:
    """P31."""
    gone = asked(service, url=f"http://127.0.0.1:{free_ports(1)[0]}")
    with pytest.raises(SourceUnavailable) as told:
        gone.locate(ALICE, CALL)
    assert "alice" not in str(told.value)
    assert (told.value.__cause__, told.value.__suppress_context__) == (None, True)


@pytest.mark.parametrize("status", [201, 204, 301, 307, 400, 403, 404])
def test_any_other_answer_needs_a_person_and_a_redirect_is_not_followed(
    service: Service, status: int
) -> None:
    """P32: what we ask goes where the map says, or nowhere."""

    def redirect(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Location", f"{service.url}/export")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    service.answers = [redirect]
    with pytest.raises(SourceWrong, match=f"answers {status}"):
        asked(service).export(ALICE, CALL)
    assert len(service.heard) == 1


ITEM = {"category": TICKETS, "person": {"address": "alice@people.example"}, "values": {}}
BOTH = [{"category": TICKETS, "rows": 1}, {"category": CALLS, "rows": 1}]


@pytest.mark.parametrize(
    ("verb", "content", "told"),
    [
        ("export", {"items": [ITEM, {**ITEM, "person": {"address": "bob@people.example"}}]}, "who"),
        ("export", {"items": [{**ITEM, "person": {"external_id": "a-bob"}}]}, "somebody who was"),
        ("export", {"items": [{**ITEM, "person": {}}]}, "protocol"),
        ("export", {"items": [{**ITEM, "values": {"subject": {"deep": 1}}}]}, "protocol"),
        ("export", {"items": [{**ITEM, "values": {"shoe_size": 43}}]}, "the data map does not"),
        (
            "export",
            {"items": [{**ITEM, "category": "Shoes", "values": {"subject": 1}}]},
            "data map",
        ),
        ("export", {}, "protocol"),
        ("export", "<html>Welcome</html>", "protocol"),
        ("export", "[" * 100_000, "protocol"),
        ("export", '{"items": [], "items2": []}', "protocol"),
        ("locate", {"held": BOTH[:1]}, "each category"),
        ("locate", {"held": [*BOTH, BOTH[0]]}, "each category"),
        ("locate", {"held": [{"category": TICKETS, "rows": -1}, BOTH[1]]}, "protocol"),
        ("locate", {"held": [{"category": TICKETS, "rows": "1"}, BOTH[1]]}, "protocol"),
        ("locate", '{"held": [{"category": "Support tickets", "rows": NaN}]}', "protocol"),
        ("erase", {"held": BOTH}, "protocol"),
        ("erase", {"done": BOTH, "retained": [{**BOTH[0], "rule": "because"}]}, "by a rule"),
        ("erase", {"done": BOTH, "failed": [{**BOTH[0], "reason": "Alice!"}]}, "protocol"),
        (
            "erase",
            {"done": BOTH, "failed": [{"category": "Alice", "rows": 1, "reason": "other"}]},
            "category that the data map",
        ),
    ],
)
def test_nonsense_and_the_rows_of_others_are_refused_whole(
    service: Service, verb: str, content: object, told: str
) -> None:
    """P19, P31: and the refusal repeats nothing of what came."""
    service.answers = [partial(say, status=200, content=content)]
    with pytest.raises(SourceWrong, match=told) as refusal:
        getattr(asked(service), verb)(ALICE, CALL)
    assert "Nothing of its answer was used" in str(refusal.value)
    assert not any(word in str(refusal.value) for word in ("Alice", "bob", "shoe", "Shoes"))


def test_an_endless_answer_is_given_up(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LONGEST_ANSWER_BYTES", 1000)
    service.answers = [partial(say, status=200, content=" " * 1001)]
    with pytest.raises(SourceWrong, match="more than 1,000 bytes"):
        asked(service).export(ALICE, CALL)


def test_what_failed_is_told_in_our_words(service: Service) -> None:
    """P31."""
    failed = [{**BOTH[0], "reason": "not_possible"}]
    service.answers = [partial(say, status=200, content={"done": BOTH, "failed": failed})]
    receipt = asked(service).restrict(ALICE, CALL)
    assert receipt.failed == (
        Failed(category=TICKETS, rows=1, reason="the service has no way to do this"),
    )
    assert receipt.verb is Verb.RESTRICT


whose = st.one_of(
    st.fixed_dictionaries(
        {
            "address": st.sampled_from(
                ["alice@people.example", " ALICE@people.example", "bob@people.example", ""]
            )
        }
    ),
    st.fixed_dictionaries({"external_id": st.sampled_from(["a-alice", "A-ALICE", "a-bob", ""])}),
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(people=st.lists(whose, max_size=4))
def test_one_row_of_somebody_else_spoils_the_whole_copy(
    service: Service, people: list[dict[str, str]]
) -> None:
    """P19."""
    items = [{**ITEM, "person": one, "values": {"subject": "x"}} for one in people]
    service.answers = [partial(say, status=200, content={"items": items})]
    alices = (
        {"address": "alice@people.example"},
        {"address": " ALICE@people.example"},
        {"external_id": "a-alice"},
    )
    desk = asked(service)
    if all(one in alices for one in people):
        assert len(desk.export(ALICE, CALL).records) == len(people)
    else:
        with pytest.raises(SourceWrong):
            desk.export(ALICE, CALL)


def test_a_name_in_any_script_arrives_as_it_is(service: Service) -> None:
    zoe = Person(addresses=("zoë@people.example",), external_ids=("ζ-1",))
    asked(service).locate(zoe, replace(CALL, id="c-2"))
    assert service.heard[0]["person"] == {
        "addresses": ["zoë@people.example"],
        "external_ids": ["ζ-1"],
    }
