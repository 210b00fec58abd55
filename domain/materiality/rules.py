"""What a rule is: a name, a version, and a function from one comparison to what it finds in it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from rapidfuzz import fuzz, process

from domain.materiality.assessment import Direction, Practice
from domain.materiality.context import Above, above
from domain.materiality.lexicon import KINDS, LEXICON
from domain.materiality.reading import NOTHING, Reading, read, together
from domain.materiality.signs import hidden
from domain.materiality.words import plain_words, words
from domain.texts.clauses import Clause

# The first basis of every adverse finding: what the policy itself says of such changes (P2).
OWN_WORDS = "policy.own_words"
PROBABLY_THE_SAME_PROMISE = 60.0


Saying = tuple[Above, tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True)
class Version:
    """All statements of one version: a rule can ask what the whole document already says."""

    statements: tuple[Clause, ...]

    @cached_property
    def readings(self) -> tuple[Reading, ...]:
        return tuple(self._read.values())

    def reading(self, statements: tuple[Clause, ...]) -> Reading:
        """Some of its statements read as one."""
        return together([self._read[statement] for statement in statements])

    @cached_property
    def _read(self) -> dict[Clause, Reading]:
        """Each read once, however many they are."""
        return {one: read(one.text, one.stem) for one in self.statements}

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Every word of the version, in lower case."""
        return frozenset(word for statement in self.statements for word in words(statement.text))

    @cached_property
    def sayings(self) -> frozenset[Saying]:
        """Every statement as `saying` gives it."""
        return frozenset(saying(statement) for statement in self.statements)

    def speaks_of(self, kind: str, *, acts: frozenset[str] = frozenset()) -> frozenset[str]:
        """The terms of a kind named where nothing is denied, or where one of `acts` is allowed."""
        if (kind, acts) not in self._spoken:
            self._spoken[kind, acts] = frozenset(
                key
                for reading in self.readings
                if (reading.allowed & acts if acts else not reading.denied)
                and not reading.says("anonymous")
                for key in reading.of(kind)
            )
        return self._spoken[kind, acts]

    def names(self, kind: str) -> frozenset[str]:
        """The terms of a kind named anywhere."""
        return self._named[kind]

    @cached_property
    def _named(self) -> dict[str, frozenset[str]]:
        return {
            kind: frozenset(key for reading in self.readings for key in reading.of(kind))
            for kind in KINDS
        }

    @cached_property
    def _spoken(self) -> dict[tuple[str, frozenset[str]], frozenset[str]]:
        return {}

    def closest(self, text: str, like: Callable[[Reading], bool]) -> tuple[str, float] | None:
        """The statement most like `text` among those whose reading is `like` it, with its score."""
        fitting = [s.text for s, r in zip(self.statements, self.readings, strict=True) if like(r)]
        found = process.extractOne(text, fitting, scorer=fuzz.token_set_ratio)
        return (found[0], found[1]) if found else None

    def covering(self, text: str, like: Callable[[Reading], bool]) -> str | None:
        """The statement that may still say what `text` said, among those read `like` it."""
        found = self.closest(text, like)
        return found[0] if found and found[1] >= PROBABLY_THE_SAME_PROMISE else None


def saying(statement: Clause) -> Saying:
    """A statement by its words, what stands above it, and what may hide it."""
    return above(statement), plain_words(statement.text), hidden(statement.text)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Statements that belong together, and the two versions around them; one side may be empty."""

    old: tuple[Clause, ...]
    new: tuple[Clause, ...]
    old_version: Version
    new_version: Version

    @cached_property
    def before(self) -> Reading:
        return self.old_version.reading(self.old) if self.old else NOTHING

    @cached_property
    def after(self) -> Reading:
        return self.new_version.reading(self.new) if self.new else NOTHING

    @cached_property
    def old_text(self) -> str:
        return " ".join(statement.text for statement in self.old)

    @cached_property
    def new_text(self) -> str:
        return " ".join(statement.text for statement in self.new)

    @property
    def texts(self) -> tuple[str, str]:
        """The old and the new text."""
        return self.old_text, self.new_text

    @property
    def amended(self) -> bool:
        return bool(self.old and self.new)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a rule has to say; `aspect` completes the rule's name, as in `retention.longer`."""

    aspect: str
    direction: Direction
    practice: Practice
    explanation: str
    basis: tuple[str, ...] = ()
    counter_evidence: str | None = None
    sure: bool = False


Finder = Callable[[Comparison], Iterator[Found]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`version` goes up whenever the rule may answer differently."""

    name: str
    version: int
    find: Finder


REGISTRY: dict[str, Rule] = {}


def rule(name: str, *, version: int = 1) -> Callable[[Finder], Finder]:
    """Register a finder under a name; each name stands for one rule."""

    def register(find: Finder) -> Finder:
        if name in REGISTRY:
            raise ValueError(f"there is already a rule {name}")
        REGISTRY[name] = Rule(name=name, version=version, find=find)
        return find

    return register


def adverse(  # the fields of a finding
    aspect: str,
    practice: Practice,
    explanation: str,
    *basis: str,
    counter_evidence: str | None = None,
    sure: bool = False,
) -> Found:
    """What is to people's disadvantage; if not `sure` by itself, the weights decide how surely."""
    return Found(
        aspect=aspect,
        direction=Direction.ADVERSE,
        practice=practice,
        explanation=explanation,
        basis=(*basis, OWN_WORDS),
        counter_evidence=counter_evidence,
        sure=sure and counter_evidence is None,
    )


def favourable(aspect: str, practice: Practice, explanation: str, *basis: str) -> Found:
    return Found(
        aspect=aspect,
        direction=Direction.FAVOURABLE,
        practice=practice,
        explanation=explanation,
        basis=basis,
    )


def named(kind: str, keys: Iterable[str]) -> str:
    """Terms as a reader would list them: `advertisers, data brokers and partners`."""
    return in_a_row(LEXICON.terms[kind][key].name for key in sorted(keys))


def listed(acts: Iterable[str]) -> str:
    """Acts as a reader would list them: `share or sell`."""
    return in_a_row(sorted(acts), last="or")


def in_a_row(parts: Iterable[str], *, last: str = "and") -> str:
    """Parts of a sentence with commas and, before the last one, a word."""
    *head, tail = parts
    return f"{', '.join(head)} {last} {tail}" if head else tail


def personal(text: str) -> bool:
    """Whether the words are about data at all, and not about, say, the sale of the company."""
    reading = read(text)
    return reading.says("personal") and not reading.says("corporate")
