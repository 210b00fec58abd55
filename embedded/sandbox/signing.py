"""The sandbox's own key: made once, kept in its folder, signs delivery events as SendGrid does."""

import os
from base64 import b64encode
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)


def public_key(path: Path) -> str:
    """Return the public key (base64 of DER, as SendGrid shows its own) of the key at `path`.

    The key is made when there is none yet, so this may be asked before the sandbox first starts.
    """
    der = load_key(path).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return b64encode(der).decode()


def load_key(path: Path) -> EllipticCurvePrivateKey:
    """Return the private key at `path`, made now if there is none."""
    if not path.exists():
        _make_key(path)
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, EllipticCurvePrivateKey):
        raise TypeError(f"{path} holds no elliptic-curve key: move it away, a new one will be made")
    return key


def sign(key: EllipticCurvePrivateKey, timestamp: str, body: bytes) -> str:
    """Return the signature header of a batch of events."""
    return b64encode(key.sign(timestamp.encode() + body, ECDSA(SHA256()))).decode()


def _make_key(path: Path) -> None:
    pem = generate_private_key(SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.draft")
    draft.touch(mode=0o600)
    draft.write_bytes(pem)
    try:
        os.link(draft, path)  # refuses to replace: of two processes that start at once, one wins
    except FileExistsError:
        pass
    finally:
        draft.unlink()
