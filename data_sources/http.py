"""An HTTP service as a data source: one signed JSON call for each verb (docs/data-sources.md)."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from time import monotonic
from typing import Annotated, Literal, TypeVar

import urllib3
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from standardwebhooks import Webhook as Signer
from urllib3.exceptions import HTTPError

from data_sources.call_limit import limited_calls
from data_sources.data_map import HttpDescription
from data_sources.source import Call, SourceUnavailable, SourceWrong
from domain.requests.personal_data import (
    Correction,
    Done,
    Exported,
    Failed,
    Held,
    Located,
    Person,
    Receipt,
    Record,
    Retained,
    Value,
    Verb,
    same_address,
)

PROTOCOL = 1
LONGEST_ANSWER_BYTES = 16 * 1024 * 1024
AT_ONCE_BYTES = 64 * 1024
TOO_LONG = "takes too long to answer"
TRY_AGAIN = frozenset({408, 425, 429})
FAILURES = {
    "not_possible": "the service has no way to do this",
    "in_use": "the entries are in use at the moment",
    "other": "the service does not say why",
}
"""Why a service did not do something: a receipt holds no words of others."""

Rows = Annotated[int, Field(ge=0, le=10**9)]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class _Counted(_Answer):
    category: str
    rows: Rows


class _Located(_Answer):
    held: list[_Counted]
    doubtful: Rows = 0


class _Whose(_Answer):
    address: str | None = None
    external_id: str | None = None

    @model_validator(mode="after")
    def _names_one(self) -> "_Whose":
        if (self.address is None) == (self.external_id is None):
            raise ValueError("address or external_id")
        return self


class _Item(_Answer):
    category: str
    person: _Whose
    values: dict[str, Value]


class _Exported(_Answer):
    items: list[_Item]
    doubtful: Rows = 0


class _Retained(_Counted):
    rule: str
    until_on: Annotated[date, Field(strict=False)] | None = None


class _Failed(_Counted):
    reason: Literal["not_possible", "in_use", "other"]


class _Receipt(_Answer):
    done: list[_Counted]
    retained: list[_Retained] = []
    failed: list[_Failed] = []


Told = TypeVar("Told", _Located, _Exported, _Receipt)


class HttpSource:
    """A service of the company's, or of one that works for it.

    `outside_clock`: real time, as the other side compares when a call was signed with its own.
    """

    def __init__(
        self, about: HttpDescription, secret: str, *, outside_clock: Callable[[], datetime]
    ) -> None:
        self.about = about
        self._signer = Signer(secret)
        self._outside_clock = outside_clock

    def locate(self, person: Person, call: Call) -> Located:
        """Ask how many entries there are; each category of the map must be answered."""
        told = self._ask(Verb.LOCATE, person, call, _Located)
        rows = self._by_category(told.held)
        held = tuple(
            Held(category=category, rows=rows[category], uses=uses)
            for category, uses in self.about.categories.items()
        )
        return Located(source=self.about.name, held=held, doubtful=told.doubtful)

    def export(self, person: Person, call: Call) -> Exported:
        """Ask for every value; one entry of somebody else's, and none of them is taken."""
        told = self._ask(Verb.EXPORT, person, call, _Exported)
        if not all(_is_of(person, item.person) for item in told.items):
            raise self._wrong("gives entries of somebody who was not asked about")
        described = {(one.category, one.field): one for one in self.about.described()}
        numbers: Counter[str] = Counter()
        records = []
        for item in told.items:
            numbers[item.category] += 1
            for name, value in item.values.items():
                known = described.get((item.category, name))
                if known is None:
                    raise self._wrong("gives a category or field that the data map does not know")
                records.append(
                    Record(
                        source=self.about.name,
                        category=item.category,
                        item=numbers[item.category],
                        field=name,
                        value=value,
                        origin=known.use.origin,
                        purpose=known.use.purpose,
                        legal_basis=known.use.legal_basis,
                        others=known.others,
                    )
                )
        return Exported(source=self.about.name, records=tuple(records), doubtful=told.doubtful)

    def correct(self, person: Person, corrections: Sequence[Correction], call: Call) -> Receipt:
        """Tell what is wrong and what is right."""
        told = [
            {"category": one.category, "field": one.field, "before": one.before, "after": one.after}
            for one in corrections
        ]
        return self._receipt(Verb.CORRECT, person, call, corrections=told)

    def restrict(self, person: Person, call: Call, *, restricted: bool = True) -> Receipt:
        """Tell that the data is to be left alone, or no longer."""
        return self._receipt(Verb.RESTRICT, person, call, restricted=restricted)

    def erase(self, person: Person, call: Call) -> Receipt:
        """Tell to erase. What stays must name a rule of the map."""
        return self._receipt(Verb.ERASE, person, call)

    def suppress(self, person: Person, call: Call) -> Receipt:
        """Tell to stop marketing."""
        return self._receipt(Verb.SUPPRESS, person, call)

    def _receipt(self, verb: Verb, person: Person, call: Call, **more: object) -> Receipt:
        told = self._ask(verb, person, call, _Receipt, **more)
        rows = self._by_category(told.done)
        return Receipt(
            source=self.about.name,
            verb=verb,
            done=tuple(Done(category=one, rows=rows[one]) for one in self.about.categories),
            retained=tuple(self._retained(one) for one in told.retained),
            failed=tuple(
                Failed(
                    category=self._known(one.category), rows=one.rows, reason=FAILURES[one.reason]
                )
                for one in told.failed
            ),
        )

    def _retained(self, told: _Retained) -> Retained:
        rule = self.about.retention.get(told.rule)
        if rule is None:
            raise self._wrong("keeps entries by a rule that the data map does not know")
        return Retained(
            category=self._known(told.category),
            rows=told.rows,
            reason=rule.reason,
            until=rule.words,
            until_on=told.until_on,
        )

    def _by_category(self, told: Sequence[_Counted]) -> Mapping[str, int]:
        """A number for each category of the map: one that is left out would pass for nothing."""
        rows = {one.category: one.rows for one in told}
        if len(rows) != len(told) or rows.keys() != self.about.categories.keys():
            raise self._wrong("does not answer for each category of the data map once")
        return rows

    def _known(self, category: str) -> str:
        if category not in self.about.categories:
            raise self._wrong("names a category that the data map does not know")
        return category

    def _ask(
        self, verb: Verb, person: Person, call: Call, kind: type[Told], **more: object
    ) -> Told:
        body = json.dumps(
            {
                "protocol": PROTOCOL,
                "verb": verb,
                "call": call.id,
                "as_of": call.now.astimezone(UTC).isoformat().replace("+00:00", "Z"),
                "person": {
                    "addresses": list(person.addresses),
                    "external_ids": list(person.external_ids),
                },
                **more,
            }
        )
        answer = self._post(verb, f"{verb}_{call.id}", body)
        try:
            return kind.model_validate_json(answer)
        except ValidationError as refusal:
            first = refusal.errors(include_input=False, include_url=False)[0]
            raise self._wrong(
                f"does not speak the protocol in its answer to {verb} ({first['type']})"
            ) from None

    def _post(self, verb: Verb, message_id: str, body: str) -> bytes:
        signed_at = self._outside_clock()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Promisekeeper",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(signed_at.timestamp())),
            "webhook-signature": self._signer.sign(message_id, signed_at, body),
        }
        until = monotonic() + self.about.timeout_seconds
        try:
            # A connection of its own: one that is kept may be closed just when we ask again.
            with (
                limited_calls() as own,
                own.request(
                    "POST",
                    f"{self.about.url}/{verb}",
                    body=body.encode(),
                    headers=headers,
                    timeout=self.about.timeout_seconds,
                    retries=False,
                    redirect=False,
                    preload_content=False,
                ) as answer,
            ):
                self._judge(answer.status)
                return self._read(answer, until)
        except HTTPError:
            raise self._unavailable("does not answer, or not to the end") from None

    def _judge(self, status: int) -> None:
        if status >= 500 or status in TRY_AGAIN:
            raise self._unavailable(f"answers {status}")
        if status != 200:
            raise self._wrong(f"answers {status}, and not 200")

    def _read(self, answer: urllib3.BaseHTTPResponse, until: float) -> bytes:
        """All of an answer. One that comes drop by drop is given up like one that does not come;
        where no length was said, what was cut off looks whole."""
        parts, length = [], 0
        while part := answer.read1(AT_ONCE_BYTES):
            parts.append(part)
            length += len(part)
            if length > LONGEST_ANSWER_BYTES:
                raise self._wrong(f"answers more than {LONGEST_ANSWER_BYTES:,} bytes")
            if monotonic() > until:
                raise self._unavailable(TOO_LONG)
        if monotonic() > until:
            raise self._unavailable(TOO_LONG)
        return b"".join(parts)

    def _unavailable(self, what: str) -> SourceUnavailable:
        return SourceUnavailable(
            f"The data source {self.about.name} {what}. Whether it did what it was asked is not "
            "known; asking again is safe."
        )

    def _wrong(self, what: str) -> SourceWrong:
        return SourceWrong(
            f"The data source {self.about.name} {what}. Nothing of its answer was used."
        )


def _is_of(person: Person, whose: _Whose) -> bool:
    if whose.address is not None:
        return same_address(whose.address) in {same_address(one) for one in person.addresses}
    return whose.external_id in person.external_ids
