"""Faults of settings in our words: a line for each, with the name by which it is set."""

from collections.abc import Iterator

from pydantic import ValidationError

A_NUMBER = "needs a whole number"
IN_OUR_WORDS = {
    "int_parsing": A_NUMBER,
    "int_parsing_size": A_NUMBER,
    "greater_than_equal": f"{A_NUMBER} greater than or equal to {{ge}}",
    "less_than_equal": f"{A_NUMBER} less than or equal to {{le}}",
    "string_too_short": "needs at least {min_length} characters",
    "string_too_long": "takes at most {max_length} characters",
    "literal_error": "needs {expected}",
    "value_error": "{error}",
}
"""What is wrong with a value, by pydantic's kind of error; never the value, which may be a key."""


def fault(name: str, wrong: str) -> str:
    """The line that says what is wrong with a setting."""
    return f"PROMISEKEEPER_{name.upper()}: {wrong}"


def faults(refusal: ValidationError) -> Iterator[str]:
    """A line for each fault that pydantic found, and those of all settings together as they are."""
    for error in refusal.errors(include_input=False, include_url=False):
        ours = IN_OUR_WORDS.get(error["type"])
        words = ours.format_map(error.get("ctx", {})) if ours else error["msg"]
        if error["loc"]:
            yield fault(str(error["loc"][0]), words)
        else:
            yield from words.splitlines()
