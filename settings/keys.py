"""The keys: of personal links, of what is kept encrypted, of suppressed addresses, of sessions."""

from base64 import b64decode, urlsafe_b64decode
from typing import Annotated

from pydantic import BaseModel, Field, SecretStr, field_validator

from settings.values import Several

DEVELOPMENT_LINK_KEY = "only-for-development-link-key-0000000000000="
DEVELOPMENT_SUPPRESSION_KEY = "only-for-development-suppression-key-000000="
DEVELOPMENT_DATA_KEY = "only-for-development-data-key-0000000000000="
DEVELOPMENT_SESSION_KEY = "only-for-development-session-key"


class KeySettings(BaseModel):
    """Each key has one purpose; those that are changed keep the old ones behind the new."""

    data_keys: Annotated[
        Several[str],
        Field(
            description="Comma-separated base64 keys of what is kept encrypted: copies of people's "
            "data, until they have them. The first encrypts, all decrypt"
        ),
    ] = (DEVELOPMENT_DATA_KEY,)
    link_keys: Annotated[
        Several[str],
        Field(
            description="Comma-separated base64 keys of personal links; the first signs, all verify"
        ),
    ] = (DEVELOPMENT_LINK_KEY,)
    suppression_key: Annotated[
        SecretStr,
        Field(
            description="Base64 key by which addresses that mail must not go to are known. Never "
            "changed: without it nobody knows them any more"
        ),
    ] = SecretStr(DEVELOPMENT_SUPPRESSION_KEY)
    session_key: Annotated[
        SecretStr, Field(description="Signs the staff console's session cookie")
    ] = SecretStr(DEVELOPMENT_SESSION_KEY)

    metrics_token: Annotated[
        SecretStr,
        Field(
            description="What Prometheus sends to read `/metrics`, as `Authorization: Bearer ...`; "
            "32 characters at least. Empty means that anybody may on a laptop, and nobody in "
            "production"
        ),
    ] = SecretStr("")

    @field_validator("metrics_token")
    @classmethod
    def _is_no_short_token(cls, token: SecretStr) -> SecretStr:
        given = token.get_secret_value()
        if given and (len(given) < 32 or not given.isascii() or not given.isprintable()):
            raise ValueError("is 32 letters and digits at least, so that nobody guesses it")
        return token

    @field_validator("link_keys")
    @classmethod
    def _are_long_keys(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        if not keys:
            raise ValueError("is empty: no personal link could be made or read")
        if not all(_is_long_key(key) for key in keys):
            raise ValueError("every key is at least 32 bytes in URL-safe base64")
        return keys

    @field_validator("data_keys")
    @classmethod
    def _are_data_keys(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        if not keys:
            raise ValueError("is empty: nothing could be kept encrypted")
        if not all(_is_long_key(key) and len(urlsafe_b64decode(key)) == 32 for key in keys):
            raise ValueError("every key is 32 bytes in URL-safe base64")
        return keys

    @field_validator("suppression_key")
    @classmethod
    def _is_one_long_key(cls, key: SecretStr) -> SecretStr:
        if not _is_long_key(key.get_secret_value()):
            raise ValueError("is at least 32 bytes in URL-safe base64")
        return key

    @property
    def link_key_bytes(self) -> tuple[bytes, ...]:
        """The keys of personal links, the signing one first."""
        return tuple(urlsafe_b64decode(key) for key in self.link_keys)

    @property
    def suppression_key_bytes(self) -> bytes:
        """The key by which addresses that mail must not go to are known."""
        return urlsafe_b64decode(self.suppression_key.get_secret_value())


def _is_long_key(key: str) -> bool:
    try:
        return len(b64decode(key, altchars=b"-_", validate=True)) >= 32
    except ValueError:
        return False
