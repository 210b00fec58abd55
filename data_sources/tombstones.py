"""Whom a restored backup brought back: who was erased is known by pseudonyms alone (P13)."""

from collections import defaultdict
from collections.abc import Mapping
from uuid import UUID

from data_sources.pseudonyms import address_pseudonym, id_pseudonym, is_address
from data_sources.sql import SqlSource
from domain.requests.personal_data import Person


def known_as(person: Person, key: bytes) -> tuple[str, ...]:
    """The pseudonyms of everything that a person is known by."""
    addresses = (address_pseudonym(one, key) for one in person.addresses)
    external_ids = (id_pseudonym(one, key) for one in person.external_ids)
    return tuple(dict.fromkeys([*addresses, *external_ids]))


def who_came_back(
    source: SqlSource, erased: Mapping[str, UUID], key: bytes
) -> Mapping[UUID, Person]:
    """Who stands in a database again, by erasure; `erased` has erasures by pseudonym.

    Each is known by what stands there and by the pseudonyms of all their external ids: where they
    had one, a row with somebody else's is not taken for theirs because the address is the same.
    """
    addresses: dict[UUID, list[str]] = defaultdict(list)
    external_ids: dict[UUID, list[str]] = defaultdict(list)
    for one in source.known_by():
        found, name = (
            (addresses, address_pseudonym(one.addresses[0], key))
            if one.addresses
            else (external_ids, id_pseudonym(one.external_ids[0], key))
        )
        if name in erased:
            found[erased[name]].extend(one.addresses or one.external_ids)
    came_back = addresses.keys() | external_ids.keys()
    names: dict[UUID, list[str]] = defaultdict(list)
    for name, erasure_id in erased.items():
        if not is_address(name):
            names[erasure_id].append(name)
    return {
        erasure_id: Person(
            addresses=tuple(addresses[erasure_id]),
            external_ids=(*external_ids[erasure_id], *names[erasure_id]),
        )
        for erasure_id in sorted(came_back)
    }
