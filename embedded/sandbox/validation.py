"""What SendGrid would refuse in a `POST /v3/mail/send`, in its own error shape."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MOST_RECIPIENTS = 1000
MOST_BYTES_OF_FIELDS = 10_000
KNOWN_KEYS = frozenset(
    {
        "personalizations", "from", "reply_to", "reply_to_list", "subject", "content",
        "attachments", "template_id", "headers", "categories", "custom_args", "send_at",
        "batch_id", "asm", "ip_pool_name", "mail_settings", "tracking_settings",
    }
)  # fmt: skip
RESERVED_HEADERS = frozenset(
    {
        "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type",
        "content-transfer-encoding", "to", "from", "subject", "reply-to", "cc", "bcc",
    }
)  # fmt: skip
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[A-Za-z0-9](?:[A-Za-z0-9-]*\.)*[A-Za-z0-9-]+")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One reason to refuse a request; `field` is the path of what is wrong."""

    message: str
    field: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """Return it in SendGrid's shape."""
        return {"message": self.message, "field": self.field, "help": None}


def faults(mail: object) -> Iterator[Fault]:
    """Yield everything that SendGrid would refuse."""
    if not isinstance(mail, dict):
        yield Fault(message="Bad Request")
        return
    for key in mail.keys() - KNOWN_KEYS:
        yield Fault(message=f"Additional property {key} is not allowed", field=str(key))
    yield from _address_faults(mail.get("from"), "from")
    yield from _content_faults(mail.get("content"))
    yield from _text_map_faults(mail.get("custom_args"), "custom_args")
    yield from _header_faults(mail.get("headers"), "headers")
    yield from _category_faults(mail.get("categories"))
    yield from _tracking_faults(mail.get("tracking_settings"))
    yield from _personalization_faults(mail.get("personalizations"), mail.get("subject"))


def _personalization_faults(personalizations: object, subject: object) -> Iterator[Fault]:
    if not isinstance(personalizations, list) or not personalizations:
        yield Fault(
            message="The personalizations field is required and must have at least one "
            "personalization.",
            field="personalizations",
        )
        return
    recipients = 0
    for number, one in enumerate(personalizations):
        path = f"personalizations.{number}"
        if not isinstance(one, dict):
            yield Fault(message="Bad Request", field=path)
            continue
        people = [one.get(kind) for kind in ("to", "cc", "bcc")]
        recipients += sum(len(some) for some in people if isinstance(some, list))
        yield from _recipient_faults(one, path)
        yield from _subject_faults(one.get("subject", subject), path)
        yield from _text_map_faults(one.get("substitutions"), f"{path}.substitutions")
        yield from _text_map_faults(one.get("custom_args"), f"{path}.custom_args")
        yield from _header_faults(one.get("headers"), f"{path}.headers")
    if recipients > MOST_RECIPIENTS:
        yield Fault(
            message=f"The total number of recipients must be at most {MOST_RECIPIENTS}.",
            field="personalizations",
        )


def _recipient_faults(one: Mapping[str, object], path: str) -> Iterator[Fault]:
    seen: set[str] = set()
    for kind in ("to", "cc", "bcc"):
        people = one.get(kind)
        if people is None and kind != "to":
            continue
        if not isinstance(people, list) or not people:
            yield Fault(
                message=f"The {kind} array is required for all personalization objects, and must "
                "have at least one email object with a valid email address.",
                field=f"{path}.{kind}",
            )
            continue
        for number, person in enumerate(people):
            yield from _address_faults(person, f"{path}.{kind}.{number}")
            address = str(person.get("email")).lower() if isinstance(person, dict) else ""
            if address in seen:
                yield Fault(
                    message="Each email address in the personalization block should be unique "
                    "between to, cc, and bcc.",
                    field=path,
                )
            seen.add(address)


def _address_faults(person: object, path: str) -> Iterator[Fault]:
    address = person.get("email") if isinstance(person, dict) else None
    if not isinstance(address, str) or not _ADDRESS.fullmatch(address) or len(address) > 320:
        yield Fault(message="Does not contain a valid address.", field=f"{path}.email")
    name = person.get("name", "") if isinstance(person, dict) else ""
    if not isinstance(name, str) or re.search(r"[;,\r\n]", name):
        yield Fault(
            message="The name contains a character that is not allowed.", field=f"{path}.name"
        )


def _subject_faults(subject: object, path: str) -> Iterator[Fault]:
    if not isinstance(subject, str) or not subject:
        yield Fault(
            message="The subject is required. You can get around this requirement if you use a "
            "template with a subject defined.",
            field="subject",
        )
    elif re.search(r"[\r\n]", subject):
        yield Fault(message="The subject must be a single line.", field=f"{path}.subject")


def _content_faults(content: object) -> Iterator[Fault]:
    if not isinstance(content, list) or not content:
        yield Fault(message="Unless a valid template_id is provided, the content parameter is "
                    "required.", field="content")  # fmt: skip
        return
    kinds: list[object] = []
    for number, part in enumerate(content):
        kind, value = (
            (part.get("type"), part.get("value")) if isinstance(part, dict) else (None, None)
        )
        kinds.append(kind)
        if not isinstance(value, str) or not value:
            yield Fault(
                message="The content value must be a string at least one character in length.",
                field=f"content.{number}.value",
            )
    if kinds not in (["text/plain"], ["text/html"], ["text/plain", "text/html"]):
        yield Fault(message="The content must be text/plain, then text/html.", field="content")


def _text_map_faults(values: object, path: str) -> Iterator[Fault]:
    if values is None:
        return
    if not isinstance(values, dict):
        yield Fault(message="It must be an object.", field=path)
        return
    size = 0
    for key, value in values.items():
        if not isinstance(value, str):
            yield Fault(message="Each value must be a string.", field=f"{path}.{key}")
            continue
        size += len(key.encode()) + len(value.encode())
    if size > MOST_BYTES_OF_FIELDS:
        yield Fault(message=f"It must be at most {MOST_BYTES_OF_FIELDS} bytes.", field=path)


def _header_faults(headers: object, path: str) -> Iterator[Fault]:
    yield from _text_map_faults(headers, path)
    for name, value in headers.items() if isinstance(headers, dict) else ():
        if name.lower() in RESERVED_HEADERS:
            yield Fault(message=f"The header {name} is reserved.", field=f"{path}.{name}")
        elif not re.fullmatch(r"[!-9;-~]+", name) or re.search(r"[\r\n]", str(value)):
            yield Fault(message="The header is malformed.", field=path)


def _category_faults(categories: object) -> Iterator[Fault]:
    if categories is None:
        return
    texts = isinstance(categories, list) and all(isinstance(one, str) for one in categories)
    if not isinstance(categories, list) or not texts or len(set(categories)) != len(categories):
        yield Fault(message="The categories must be unique strings.", field="categories")
    elif len(categories) > 10 or any(len(one) > 255 for one in categories):
        yield Fault(message="At most 10 categories of 255 characters.", field="categories")


def _tracking_faults(settings: object) -> Iterator[Fault]:
    if settings is None:
        return
    if not isinstance(settings, dict):
        yield Fault(message="It must be an object.", field="tracking_settings")
        return
    for name, setting in settings.items():
        if not isinstance(setting, dict) or not isinstance(setting.get("enable"), bool):
            yield Fault(
                message="The enable parameter must be a boolean.",
                field=f"tracking_settings.{name}.enable",
            )
