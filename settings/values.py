"""What values of several settings look like, and what is said of one that does not."""

from base64 import b64decode
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

Entry = TypeVar("Entry")


def _split_at_commas(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _is_an_address(address: str) -> str:
    if address and not address.startswith(("http://", "https://")):
        raise ValueError("is no address: it begins with https://")
    return address


def _is_a_secret_address(address: SecretStr) -> SecretStr:
    _is_an_address(address.get_secret_value())
    return address


def _is_a_signing_secret(secret: SecretStr) -> SecretStr:
    given = secret.get_secret_value()
    if given and not _signs(given):
        raise ValueError("is `whsec_` followed by 24 to 64 bytes in base64")
    return secret


def _signs(secret: str) -> bool:
    prefix, _, encoded = secret.partition("_")
    try:
        return prefix == "whsec" and 24 <= len(b64decode(encoded, validate=True)) <= 64
    except ValueError:
        return False


Several = Annotated[tuple[Entry, ...], NoDecode, BeforeValidator(_split_at_commas)]
"""A list, written with commas."""
Address = Annotated[str, AfterValidator(_is_an_address)]
"""Empty where there is none."""
SecretAddress = Annotated[SecretStr, AfterValidator(_is_a_secret_address)]
"""One that lets whoever knows it in."""
SigningSecret = Annotated[SecretStr, AfterValidator(_is_a_signing_secret)]
"""Of Standard Webhooks; empty where nothing is signed."""
Percent = Annotated[float, Field(ge=0, le=100)]
Port = Annotated[int, Field(ge=1, le=65535)]
