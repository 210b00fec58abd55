"""What a source gave of somebody, as it is kept until the answer: values, and why they are held.

Pure. A value that tells of other people is shown to staff, who say what of it is given away.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from dataclasses import field as hidden

from domain.mail_addresses import addresses_in
from domain.requests.personal_data import LegalBasis, Origin, Record, Use, same_address


@dataclass(frozen=True, kw_only=True)
class Collected:
    """Every value of one source, with all that its categories are used for, in the map's order.

    `given`: what is given away instead of a value, by its place among the records; `looked_at`: the
    places of values that may tell of others and that somebody of staff looked at.
    """

    source: str
    title: str
    uses: Mapping[str, tuple[Use, ...]]
    records: tuple[Record, ...] = hidden(repr=False)
    given: Mapping[int, str] = hidden(default_factory=dict, repr=False)
    looked_at: frozenset[int] = frozenset()

    def to_look_at(self, own: Collection[str]) -> tuple[int, ...]:
        """The places of values that may tell of others, as the data map says or as they name an
        address that is none of the person's `own`, and at which nobody has looked."""
        named = self.names_others(own)
        return tuple(
            place
            for place, record in enumerate(self.records)
            if (record.others or place in named) and place not in self.looked_at
        )

    def names_others(self, own: Collection[str]) -> Mapping[int, tuple[str, ...]]:
        """By place, the mail addresses in a value that are none of the person's `own`: what shows
        that it tells of others, whatever the data map says."""
        mine = {same_address(one) for one in own}
        found = {
            place: tuple(
                one for one in addresses_in(_as_text(record.value)) if same_address(one) not in mine
            )
            for place, record in enumerate(self.records)
        }
        return {place: names for place, names in found.items() if names}

    @property
    def released(self) -> tuple[Record, ...]:
        """The records as they are given away."""
        return tuple(
            replace(record, value=self.given[place]) if place in self.given else record
            for place, record in enumerate(self.records)
        )

    def redacted(self, words: Mapping[int, str]) -> "Collected":
        """The same after somebody looked at values: what is given away of each, by place.

        Words that are the value itself give it away whole. Raises ValueError for a place that has
        no value.
        """
        if not all(0 <= place < len(self.records) for place in words):
            raise ValueError("there is no such value")
        given = dict(self.given)
        for place, said in words.items():
            given.pop(place, None)
            if said != _as_text(self.records[place].value):
                given[place] = said
        return replace(self, given=given, looked_at=self.looked_at | words.keys())

    def to_bytes(self) -> bytes:
        """As it is kept."""
        content = {
            "source": self.source,
            "title": self.title,
            "uses": {name: [asdict(use) for use in uses] for name, uses in self.uses.items()},
            "records": [asdict(record) for record in self.records],
            "given": {str(place): words for place, words in self.given.items()},
            "looked_at": sorted(self.looked_at),
        }
        return json.dumps(content, ensure_ascii=False).encode()


def collected_from(content: bytes) -> Collected:
    """What `to_bytes` made."""
    read = json.loads(content)
    return Collected(
        source=read["source"],
        title=read["title"],
        uses={name: tuple(map(_use, uses)) for name, uses in read["uses"].items()},
        records=tuple(map(_record, read["records"])),
        given={int(place): words for place, words in read["given"].items()},
        looked_at=frozenset(read["looked_at"]),
    )


def _use(read: Mapping[str, str]) -> Use:
    return Use(
        purpose=read["purpose"],
        legal_basis=LegalBasis(read["legal_basis"]),
        origin=Origin(read["origin"]),
        kept=read["kept"],
        recipients=tuple(read["recipients"]),
    )


def _record(read: Mapping[str, object]) -> Record:
    return Record(
        **{
            **read,
            "origin": Origin(str(read["origin"])),
            "legal_basis": LegalBasis(str(read["legal_basis"])),
        }  # type: ignore[arg-type]
    )


def _as_text(value: object) -> str:
    return "" if value is None else str(value)
