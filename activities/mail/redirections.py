"""In which words a person is sent to the companies for which we keep data about them (P24)."""

from collections.abc import Sequence

from translations.catalogues import Language


def in_words(language: Language, controllers: Sequence[str] | None) -> list[str]:
    """A sentence for each company; where none may be named (None) one that fits everybody."""
    if controllers is None:
        return [
            language.gettext(
                "Some of the data that we keep belongs to other companies, for which we work: they "
                "decide about it. If you had to do with such a company, please ask it as well. We "
                "do what it tells us."
            )
        ]
    return [
        language.gettext(
            "We also keep data about you for %(controller)s, who decides about it. Please ask them "
            "for it: we do what they tell us.",
            controller=controller,
        )
        for controller in controllers
    ]
