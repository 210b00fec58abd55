"""Who the invented company has to do with: the five of the demonstration, and as many others."""

from collections.abc import Sequence
from dataclasses import dataclass

FIRST_NAMES = ("Mara", "Nils", "Olga", "Pavel", "Quinn", "Rosa", "Sven", "Tara", "Udo", "Vera")
LAST_NAMES = ("Weber", "Young", "Zeman", "Arnold", "Bauer", "Costa", "Duarte")


@dataclass(frozen=True, kw_only=True)
class Somebody:
    """A customer, who is known by the number of their account."""

    number: str
    email: str
    name: str


NAMED = tuple(
    Somebody(number=f"a-{name}", email=f"{name}@people.example", name=full)
    for name, full in (
        ("alice", "Alice Abel"),
        ("bob", "Bob Brandt"),
        ("carol", "Carol Castro"),
        ("dora", "Dora Dahl"),
        ("emil", "Emil Eriksen"),
    )
)


def customers(others: int) -> Sequence[Somebody]:
    """The named ones, and others, always the same."""
    return [*NAMED, *(_other(number) for number in range(others))]


def _other(number: int) -> Somebody:
    first = FIRST_NAMES[number % len(FIRST_NAMES)]
    last = LAST_NAMES[number // len(FIRST_NAMES) % len(LAST_NAMES)]
    return Somebody(
        number=f"s-{number:04}",
        email=f"{first}.{last}.{number}@customers.example".lower(),
        name=f"{first} {last}",
    )
