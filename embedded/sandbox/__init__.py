"""A mail service for the laptop: SendGrid's API, an inbox to look at, signed delivery events."""

from embedded.sandbox.app import SandboxRefused, create_app
from embedded.sandbox.server import serve
from embedded.sandbox.signing import public_key

__all__ = ["SandboxRefused", "create_app", "public_key", "serve"]
