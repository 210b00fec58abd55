"""Rules about what is newly done with data: sale, sharing, collection, purposes."""

from collections.abc import Iterator

from domain.materiality.assessment import Practice
from domain.materiality.lexicon import LEXICON
from domain.materiality.rules import Comparison, Found, adverse, favourable, named, personal, rule

PROTECTIONS = frozenset(
    {"encryption", "access_controls", "procedures", "authentication", "audits", "identity_check"}
)
GIVING_AWAY = frozenset({"share", "sell"})


@rule("sharing.sale")
def sale(comparison: Comparison) -> Iterator[Found]:
    """Data may be sold, rented or traded, which the whole old text did not allow."""
    if (
        "sell" in comparison.after.allowed
        and personal(comparison.new_text)
        and not comparison.after.says("anonymous")
        and not _already_sold(comparison)
    ):
        buyers = comparison.after.of("recipients")
        to_whom = f" to {named('recipients', buyers)}" if buyers else ""
        yield adverse(
            "new",
            Practice.SHARING_SALE,
            f"Data could be sold{to_whom}; the old text did not allow any sale of data.",
            "colorado.6.04.sharing",
            "wp260.recipients",
            sure=True,
        )


@rule("sharing.recipient")
def recipients(comparison: Comparison) -> Iterator[Found]:
    """Data goes to a kind of recipient that the whole old text did not name as one."""
    if not comparison.after.allowed & GIVING_AWAY or not personal(comparison.new_text):
        return
    if comparison.after.says("anonymous"):
        return
    new = comparison.after.of("recipients") - comparison.old_version.speaks_of(
        "recipients", acts=GIVING_AWAY
    )
    if new:
        data = comparison.after.of("data")
        what = named("data", data) if data else "data"
        yield adverse(
            "new",
            Practice.SHARING_SALE,
            f"{what[:1].upper()}{what[1:]} could go to {named('recipients', new)}, "
            "which the old text does not name as receiving data.",
            "colorado.6.04.recipients",
            "wp260.recipients",
        )


@rule("collection.category")
def categories(comparison: Comparison) -> Iterator[Found]:
    """A kind of data is collected or used that the whole old text did not speak of."""
    if not comparison.after.burdens or comparison.after.denied & {"collect", "use"}:
        return
    new = comparison.after.of("data") - comparison.old_version.speaks_of("data")
    if new:
        yield adverse(
            "new",
            Practice.DATA_COLLECTION,
            f"The new text speaks of {named('data', new)}; the old text does not.",
            "colorado.6.04.categories",
        )


@rule("purpose")
def purposes(comparison: Comparison) -> Iterator[Found]:
    """Data serves a purpose that the whole old text did not name."""
    if not comparison.after.burdens:
        return
    new = comparison.after.of("purposes") - comparison.old_version.speaks_of("purposes")
    if comparison.before.denied & comparison.after.denied:
        new -= comparison.before.of("purposes")  # both say that it does not serve them
    for key in sorted(new):
        term = LEXICON.terms["purposes"][key]
        yield adverse(
            f"new_{key}",
            Practice(term.practice),
            f"Data would serve {term.name}, a purpose that the old text does not give.",
            "colorado.6.04.purposes",
            "wp260.purpose",
        )


@rule("transfer")
def transfers(comparison: Comparison) -> Iterator[Found]:
    """Data may go abroad without the protection it has at home (GDPR Art. 49)."""
    before, after = comparison.before, comparison.after
    if after.says("unprotected") and after.burdens and not before.says("unprotected"):
        yield adverse(
            "unprotected",
            Practice.TRANSFERS,
            "Data could go to countries where it is not protected as well as before.",
            "wp260.recipients",
            sure=True,
        )


@rule("safeguard")
def safeguards(comparison: Comparison) -> Iterator[Found]:
    """P32: a protection of the data is no longer mentioned anywhere, or is mentioned for once."""
    promised = comparison.before.of("safeguards") & PROTECTIONS
    gone = promised - comparison.new_version.names("safeguards")
    if gone:
        yield adverse(
            "removed",
            Practice.SECURITY,
            f"The new text no longer speaks of {named('safeguards', gone)}.",
            "wp260.impact",
            sure=comparison.amended and "encryption" in gone,
        )
    fresh = comparison.after.of("safeguards") - comparison.old_version.names("safeguards")
    if fresh and not comparison.after.says("negation"):
        sentence = f"The new text promises {named('safeguards', fresh)}."
        yield favourable("added", Practice.SECURITY, sentence)


def _already_sold(comparison: Comparison) -> bool:
    version = comparison.old_version
    return any(
        "sell" in reading.allowed and personal(statement.text)
        for statement, reading in zip(version.statements, version.readings, strict=True)
    )
