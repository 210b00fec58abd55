"""The API: who is governed by what, what was accepted elsewhere, which accounts there are (P6)."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from httpx import Response
from sqlmodel import func, select

from database.approvals.approvals import Shown, decide
from database.approvals.consents import say
from database.campaigns.not_reached import not_reached
from database.people.api_keys import add_key, keys, revoke
from database.people.staff import add_staff
from database.policies.policies import put_in_force
from database.tables import (
    Account,
    AccountImport,
    Approval,
    Campaign,
    CampaignAddressee,
    PolicyVersion,
)
from domain.approvals.approvals import Decision
from domain.approvals.consents import Consent
from domain.policies.reviews import VersionState
from tests.people import POLICY
from tests.web.world import NOW, World, browse, version
from web.app import create_app

Caller = Mapping[str, str]
ACCEPTED_AT = "2026-03-02T09:00:00Z"


@pytest.fixture
def key(world: World) -> Caller:
    """The header of a system that may read and write."""
    return made(world, "billing")


def made(world: World, name: str, *, may_write: bool = True) -> Caller:
    with world.database.transaction() as transaction:
        found = [row for row in world.staff.values() if "admin" in row.roles]
        admin = (
            found[0].id
            if found
            else add_staff(
                transaction,
                handle=f"ada-{name}",
                name="Ada",
                email="ada@example.com",
                roles=["admin"],
            )[0].id
        )
        transaction.flush()
        _, secret = add_key(transaction, name, may_write=may_write, by=admin, now=NOW)
    return {"Authorization": f"Bearer {secret}"}


def accept(world: World, key: Caller, account: str = "alice", **other: object) -> Response:
    body = {
        "policy": POLICY,
        "version": 2,
        "text_sha256": version(world, 2).sha256,
        "accepted_at": ACCEPTED_AT,
        **other,
    }
    answer: Response = world.browser.post(
        f"/api/v1/accounts/{account}/acceptances", json=body, headers=key
    )
    return answer


def governing(world: World, key: Caller, account: str, **query: str) -> dict[str, Any]:
    answer = world.browser.get(
        f"/api/v1/accounts/{account}/governing-version",
        params={"policy": POLICY, **query},
        headers=key,
    )
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def take_effect(world: World) -> None:
    with world.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, version(world, 2).id)
        row.effective_at = NOW
        put_in_force(transaction, row, NOW)


def approvals(world: World) -> int:
    with world.database.session() as session:
        return session.exec(select(func.count()).select_from(Approval)).one()


def test_what_was_accepted_in_the_companys_application_governs(world: World, key: Caller) -> None:
    """P6: version, hash and instant; and the answer names them as its proof."""
    answer = accept(world, key)
    assert answer.status_code == 201, answer.text
    take_effect(world)
    said = governing(world, key, "alice")
    assert (said["version"], said["steps"][-1]["approval"]) == (2, answer.json()["approval"])
    [proof] = said["approvals"]
    assert (proof["how"], proof["said_at"]) == ("api", ACCEPTED_AT)
    assert proof["text_sha256"] == version(world, 2).sha256
    assert governing(world, key, "bob")["version"] == 1


def test_a_draft_that_another_took_the_place_of_is_known_to_nobody(
    world: World, key: Caller
) -> None:
    """P1: only who heard of a version is told what became of it."""
    assert replaced(world, key, heard_of=True).status_code == 409
    answer = replaced(world, key, heard_of=False)
    assert answer.status_code == 404
    assert "no version 2" in answer.text


def replaced(world: World, key: Caller, *, heard_of: bool) -> Response:
    """Version 2 gave way to another; what is answered when it is accepted."""
    with world.database.transaction() as transaction:
        row = transaction.get_one(PolicyVersion, version(world, 2).id)
        row.state = VersionState.REPLACED
        row.announced_at = row.announced_at if heard_of else None
    return accept(world, key)


def call_until_too_fast(world: World, key: Caller) -> tuple[int, Response]:
    """How many calls were answered before the first 429, and that."""
    for answered in range(200):
        answer: Response = world.browser.get("/api/v1/accounts/alice/consents", headers=key)
        if answer.status_code == 429:
            return answered, answer
        assert answer.status_code == 200
    raise AssertionError("nobody said 429")


def slow(world: World, calls: int = 20) -> World:
    """The same website, where a key may make twenty calls a minute."""
    settings = world.settings.model_copy(update={"api_rate_limit": calls})
    app = create_app(settings, database=world.database, desk=world.desk)
    return replace(world, settings=settings, browser=browse(app))


def test_one_call_too_many_waits_and_says_how_long(world: World, key: Caller) -> None:
    """Half a minute's worth at once, then one every three seconds."""
    world = slow(world)
    answered, answer = call_until_too_fast(world, key)
    assert answered == 10
    assert answer.headers["Retry-After"] == "3"
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == (
        "This API key may make 20 calls a minute. Nothing was done. Send it again in 3 seconds."
    )
    world.desk.clock.advance(timedelta(seconds=2))
    assert call_until_too_fast(world, key)[0] == 0
    world.desk.clock.advance(timedelta(seconds=1))
    assert call_until_too_fast(world, key)[0] == 1
    world.desk.clock.advance(timedelta(hours=1))
    assert call_until_too_fast(world, key)[0] == 10


def test_a_call_too_many_writes_nothing(world: World, key: Caller) -> None:
    world = slow(world)
    call_until_too_fast(world, key)
    assert accept(world, key).status_code == 429
    assert approvals(world) == 0


def test_a_system_that_calls_too_often_holds_up_no_other(world: World, key: Caller) -> None:
    world = slow(world)
    call_until_too_fast(world, key)
    another = made(world, "website")
    assert accept(world, another).status_code == 201


def test_without_a_limit_nobody_waits(world: World, key: Caller) -> None:
    world = slow(world, calls=0)
    with pytest.raises(AssertionError, match="nobody said 429"):
        call_until_too_fast(world, key)


def test_the_page_of_the_api_says_how_often(world: World) -> None:
    assert "20 a minute" in slow(world).browser.get("/api/docs").text
    assert "3,000 a minute" in world.browser.get("/api/docs").text


def test_the_same_acceptance_sent_again_changes_nothing(world: World, key: Caller) -> None:
    first, second = accept(world, key), accept(world, key)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert approvals(world) == 1


def test_an_acceptance_counts_from_when_it_is_told_and_never_before(
    world: World, key: Caller
) -> None:
    """P6: never backdated; what another system says of the instant is kept and shown."""
    take_effect(world)
    world.desk.clock.advance(timedelta(days=3))
    answer = accept(world, key)
    later = (NOW + timedelta(days=3)).isoformat().replace("+00:00", "Z")
    assert (answer.json()["accepted_at"], answer.json()["counts_from"]) == (ACCEPTED_AT, later)
    assert governing(world, key, "alice")["since"] == later
    assert governing(world, key, "alice", at="2026-03-03T09:00:00Z")["version"] == 1


@pytest.mark.parametrize(
    ("wrong", "status", "words"),
    [
        ({"text_sha256": "0" * 64}, 422, "not that of version 2"),
        ({"text_sha256": "short"}, 422, "text_sha256"),
        ({"accepted_at": "2026-03-03T09:00:00Z"}, 422, "in the future"),
        ({"accepted_at": "2026-03-02T08:59:59Z"}, 422, "before version 2 was announced"),
        ({"accepted_at": "2026-03-02T09:00:00"}, 422, "accepted_at"),
        ({"version": 9}, 404, "no version 9"),
        ({"policy": "cookies"}, 404, "no policy"),
        ({"approved": True}, 422, "approved"),
    ],
)
def test_what_proves_no_approval_is_refused_in_words(
    world: World, key: Caller, wrong: dict[str, Any], status: int, words: str
) -> None:
    """P6: who joins counts as accepting only with all three right."""
    answer = accept(world, key, "alice", **wrong)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.text
    assert approvals(world) == 0


@pytest.mark.parametrize("state", ["withdrawn", "replaced", "in_review"])
def test_a_version_that_nobody_can_accept_is_refused(world: World, key: Caller, state: str) -> None:
    """P8; and a draft is as unknown as a version that never was (P1)."""
    with world.database.transaction() as transaction:
        transaction.get_one(PolicyVersion, version(world, 2).id).state = state
    assert accept(world, key).status_code == (404 if state == "in_review" else 409)
    assert approvals(world) == 0


def test_nothing_is_accepted_for_a_closed_account(world: World, key: Caller) -> None:
    assert world.browser.delete("/api/v1/accounts/alice", headers=key).status_code == 204
    assert world.browser.delete("/api/v1/accounts/alice", headers=key).status_code == 204
    answer = accept(world, key)
    assert (answer.status_code, "closed" in answer.json()["detail"]) == (409, True)
    assert approvals(world) == 0


def test_nothing_is_accepted_for_a_minor(world: World, key: Caller) -> None:
    """P5: a minor's approvals are void."""
    told = {"email": "alice@example.org", "kind": "minor"}
    assert world.browser.put("/api/v1/accounts/alice", json=told, headers=key).status_code == 200
    answer = accept(world, key)
    assert (answer.status_code, "a minor" in answer.json()["detail"]) == (409, True)
    page = world.browser.get(world.link("alice")).text
    assert "account of a minor, who cannot approve" in page


def test_nothing_is_accepted_that_was_declined_since(world: World, key: Caller) -> None:
    """P5, P6: the last word counts, however late another system tells of an earlier one."""
    world.desk.clock.advance(timedelta(hours=1))
    with world.database.transaction() as transaction:
        account = transaction.get_one(Account, world.accounts["alice"].id)
        shown = Shown(version=version(world, 2), base=version(world, 1), how="link", language="en")
        decide(transaction, account, shown, Decision.DECLINED, NOW + timedelta(minutes=30))
    answer = accept(world, key)
    assert (answer.status_code, "declined version 2" in answer.json()["detail"]) == (409, True)
    assert approvals(world) == 1
    take_effect(world)
    assert governing(world, key, "alice")["version"] == 1
    again = (NOW + timedelta(minutes=45)).isoformat()
    assert accept(world, key, accepted_at=again).status_code == 201
    assert governing(world, key, "alice")["version"] == 2


def test_an_account_is_put_as_a_line_of_a_file_is_imported(world: World, key: Caller) -> None:
    """P6: asserted by whoever made the key, never an approval; what is left out is kept."""
    path = "/api/v1/accounts/erin"
    told = {"email": "erin@example.org", "name": "Erin", "locale": "de", "approver": True}
    added = world.browser.put(path, json=told, headers=key)
    assert (added.status_code, added.json()["added"]) == (201, True)
    again = world.browser.put(path, json={"email": "erin@example.org"}, headers=key)
    assert (again.status_code, again.json()["updated"]) == (200, False)
    moved = world.browser.put(path, json={"email": "erin@example.net"}, headers=key)
    assert moved.json()["updated"] is True
    with world.database.session() as session:
        erin = session.exec(select(Account).where(Account.external_id == "erin")).one()
        kept = session.exec(select(func.count()).select_from(AccountImport)).one()
    assert (erin.email, erin.name, erin.locale) == ("erin@example.net", "Erin", "de")
    assert (erin.approver, kept, approvals(world)) == (True, 2, 0)
    said = governing(world, key, "erin", at="2026-03-03T09:00:00Z")
    assert (said["version"], said["asserted"]["by"]) == (1, "ada-billing")


def test_wrong_values_have_the_words_of_the_file(world: World, key: Caller) -> None:
    """Bad input is refused whole, each field with its fault."""
    told = {"email": "erin", "kind": "robot", "country": "Atlantis"}
    answer = world.browser.put("/api/v1/accounts/erin", json=told, headers=key)
    assert answer.status_code == 422
    faults = {fault["field"]: fault["fault"] for fault in answer.json()["faults"]}
    assert set(faults) == {"email", "kind", "country"}
    assert "is not an e-mail address like name@example.com" in faults["email"]
    unknown = {"email": "erin@example.org", "governing_version": 7}
    refused = world.browser.put("/api/v1/accounts/erin", json=unknown, headers=key)
    assert (refused.status_code, "never in force" in refused.text) == (422, True)
    asked = {"params": {"policy": POLICY}, "headers": key}
    path = "/api/v1/accounts/erin/governing-version"
    assert world.browser.get(path, **asked).status_code == 404


def test_a_version_is_asserted_of_the_policy_that_is_named(world: World, key: Caller) -> None:
    """P6: by name, and by a number alone where only one policy can be meant."""
    for who, asserted in (("erin", {POLICY: 1}), ("frank", 1)):
        told = {"email": f"{who}@example.org", "governing_version": asserted}
        answer = world.browser.put(f"/api/v1/accounts/{who}", json=told, headers=key)
        assert answer.status_code == 201
        assert governing(world, key, who, at="2026-03-03T09:00:00Z")["version"] == 1
    other = {"email": "g@example.org", "governing_version": {"terms": 1}}
    refused = world.browser.put("/api/v1/accounts/greta", json=other, headers=key)
    assert (refused.status_code, "a version of 'terms'" in refused.text) == (422, True)


def test_whoever_joins_during_a_campaign_is_late_for_it(world: World, key: Caller) -> None:
    """P4, P6, P7: also at the very instant at which its audience was frozen. Governed by what was
    in force, addressed by nobody, named as not reached; and may approve like anybody."""
    told = world.browser.put("/api/v1/accounts/erin", json={"email": "e@e.example"}, headers=key)
    assert told.status_code == 201
    world.desk.clock.advance(timedelta(hours=1))
    asked = {"params": {"policy": POLICY}, "headers": key}
    governing = world.browser.get("/api/v1/accounts/erin/governing-version", **asked).json()
    assert governing["version"] == 1
    with world.database.session() as session:
        campaign = session.exec(select(Campaign)).one()
        (late,) = not_reached(session, campaign, world.settings.zone)
        addressed = session.exec(select(Account.external_id).join(CampaignAddressee)).all()
    assert (late.account, late.state, late.mail) == ("erin", "joined_later", None)
    assert sorted(addressed) == ["alice", "bob", "carol"]
    assert accept(world, key, account="erin").status_code == 201


def test_who_joins_with_version_hash_and_instant_is_governed_by_their_own_approval(
    world: World, key: Caller
) -> None:
    """P6: asked for one account and for all. Whoever sends less has no proof."""
    for name in ("erin", "fay"):
        joined = world.browser.put(
            f"/api/v1/accounts/{name}", json={"email": f"{name}@e.example"}, headers=key
        )
        assert joined.status_code == 201
    world.desk.clock.advance(timedelta(hours=1))
    first = version(world, 1)
    answer = accept(world, key, account="erin", version=1, text_sha256=first.sha256)
    assert answer.status_code == 201, answer.text
    erin, fay = (governing(world, key, name) for name in ("erin", "fay"))
    assert (erin["version"], fay["version"]) == (1, 1)
    proof = answer.json()["approval"]
    assert [step["approval"] for step in erin["steps"]] == [None, proof]
    assert "no proof" in erin["steps"][0]["because"]
    assert erin["steps"][1]["because"].startswith("approved version 1: approved by api")
    assert [step["approval"] for step in fay["steps"]] == [None]
    assert "no proof" in fay["steps"][0]["because"]
    page = world.browser.get(f"/api/v1/policies/{POLICY}/governing-versions", headers=key).json()
    listed = {each["account"]: (each["approval"], each["how"]) for each in page["accounts"]}
    assert listed["erin"] == (proof, "api")
    assert listed["fay"] == (None, None)


def test_an_import_under_way_is_waited_for(world: World, key: Caller) -> None:
    """Its rows would overtake what is told now."""
    with world.database.transaction() as transaction:
        transaction.add(
            AccountImport(
                state="decided",
                asserted_by=world.staff["otto"].id,
                staged_at=NOW,
                decided_at=NOW,
            )
        )
    answer = world.browser.put(
        "/api/v1/accounts/erin", json={"email": "e@example.org"}, headers=key
    )
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")


def test_what_was_consented_to_is_told_for_each_purpose(world: World, key: Caller) -> None:
    """P5: the last word and all before; without a word there is no consent."""
    path = "/api/v1/accounts/alice/consents"
    told = world.browser.get(path, headers=key).json()
    assert told == {"account": "alice", "consents": []}
    with world.database.transaction() as transaction:
        base, second = (transaction.get_one(PolicyVersion, version(world, n).id) for n in (1, 2))
        shown = Shown(version=second, base=base, how="link", language="de")
        for number, consent in enumerate((Consent.GIVEN, Consent.WITHHELD)):
            at = NOW + timedelta(minutes=number)
            say(transaction, world.accounts["alice"], shown, "tips", consent, at)
    (tips,) = world.browser.get(path, headers=key).json()["consents"]
    assert (tips["policy"], tips["purpose"], tips["consent"]) == (POLICY, "tips", "withheld")
    assert [each["decision"] for each in tips["decisions"]] == ["given", "withheld"]
    assert {each["language"] for each in tips["decisions"]} == {"de"}
    assert world.browser.get(path).status_code == 401
    assert world.browser.get(path.replace("alice", "nobody"), headers=key).status_code == 404


def test_all_accounts_come_page_by_page(world: World, key: Caller) -> None:
    """P6: each once, with its proof; the last page says that it is."""
    accept(world, key)
    take_effect(world)
    path, after = f"/api/v1/policies/{POLICY}/governing-versions", ""
    found: dict[str, int] = {}
    while after is not None:
        query = {"limit": "2", "after": after}
        page = world.browser.get(path, params=query, headers=key).json()
        found |= {each["account"]: each["version"] for each in page["accounts"]}
        after = page["next_after"]
    assert found == {"alice": 2, "bob": 1, "carol": 1}
    before = {"at": "2026-01-01T00:00:00Z"}
    assert world.browser.get(path, params=before, headers=key).json()["accounts"] == []


def test_without_a_valid_key_nothing_is_told(world: World, key: Caller) -> None:
    """P30: unknown, none, and revoked keys alike."""
    with world.database.transaction() as transaction:
        [row] = keys(transaction)
        revoke(transaction, "billing", by=row.made_by, now=NOW)
    path = "/api/v1/accounts/alice/governing-version?policy=privacy-policy"
    for headers in ({}, {"Authorization": "Bearer pk_api_x"}, {"Authorization": "Basic eA=="}, key):
        answer = world.browser.get(path, headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert answer.headers["content-type"] == "application/problem+json"
    assert accept(world, key).status_code == 401


def test_a_key_that_may_only_read_changes_nothing(world: World) -> None:
    reader = made(world, "reports", may_write=False)
    assert accept(world, reader).status_code == 403
    assert world.browser.delete("/api/v1/accounts/alice", headers=reader).status_code == 403
    assert governing(world, reader, "alice")["version"] == 1
    assert approvals(world) == 0


def test_neither_key_nor_account_stands_in_the_log(
    world: World, key: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    """P31, P32: the log names the route."""
    with caplog.at_level(logging.INFO):
        governing(world, key, "alice")
        accept(world, key, account="alice", text_sha256="0" * 64)
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith("httpx")]
    assert "GET /api/v1/accounts/{external_id}/governing-version 200" in ours
    assert not any("alice" in line or "pk_api_" in line for line in ours)


def test_when_a_key_was_last_used_is_known_and_its_secret_is_not(world: World, key: Caller) -> None:
    governing(world, key, "alice")
    with world.database.session() as session:
        [row] = keys(session)
    assert row.last_used_at == NOW
    assert key["Authorization"].removeprefix("Bearer ") not in str(row)


def test_the_api_describes_itself_without_scripts(world: World) -> None:
    page = world.browser.get("/api/docs")
    assert page.status_code == 200
    assert "<script" not in page.text
    assert "POST /api/v1/accounts/{external_id}/acceptances" in page.text
    described = world.browser.get("/api/openapi.json").json()
    assert "/api/v1/policies/{slug}/governing-versions" in described["paths"]
    assert described["components"]["securitySchemes"]
