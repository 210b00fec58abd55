"""A link asked for again comes, whatever became of the address, and without a search (P5)."""

from sqlmodel import select

from database.people.accounts import AccountRow
from database.tables import Link, OutboxMail
from tests.people import import_accounts
from tests.query_plans import whole_tables_read
from tests.web.world import NOW, World

NEW = "alice@new.example"


def ask(world: World, address: str) -> None:
    world.browser.post("/approve/new-link", data={"email": address})


def test_a_link_asked_for_again_is_sent_anew_once_the_address_has_changed(world: World) -> None:
    """P5, P32: the first one went to the old address, and its link is of no use any more."""
    ask(world, "alice@example.org")
    alice = AccountRow(external_id=world.accounts["alice"].external_id, email=NEW)
    import_accounts(world.database, [alice], by=world.staff["lena"].id, now=NOW)
    for _ in range(2):
        ask(world, NEW)
    assert len(world.messenger.started) == 2
    with world.database.session() as session:
        (mail,) = [
            mail
            for mail in session.exec(select(OutboxMail)).all()
            if world.messenger.started[-1].endswith(str(mail.id))
        ]
        assert session.get_one(Link, mail.link_id).successor_id is None


def test_whoever_asks_for_a_link_makes_the_database_search_for_nothing(world: World) -> None:
    """Anybody may ask, as often as they like."""
    with whole_tables_read(world.database) as read:
        ask(world, "alice@example.org")
    assert world.messenger.started
    assert read == set()
