"""JSON Web Tokens as clients read them: three parts, the claims in the middle."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

Claims = Mapping[str, Any]


def encode(claims: Claims, key: bytes) -> str:
    """A token signed by HMAC-SHA256. Clients take tokens as they come; only who signed checks."""
    head = _part({"typ": "JWT", "alg": "HS256"})
    body = _part(claims)
    return f"{head}.{body}.{_signature(f'{head}.{body}', key)}"


def encode_rsa(claims: Claims, key: RSAPrivateKey, key_id: str) -> str:
    """A token signed by RSA (`RS256`), naming its key, that anybody can check."""
    signed = f"{_part({'typ': 'JWT', 'alg': 'RS256', 'kid': key_id})}.{_part(claims)}"
    return f"{signed}.{_text(key.sign(signed.encode(), PKCS1v15(), SHA256()))}"


def public_key(key: RSAPrivateKey) -> dict[str, str]:
    """The public half as a JSON Web Key; its id is made of the key."""
    numbers = key.public_key().public_numbers()
    modulus, exponent = (
        _text(number.to_bytes((number.bit_length() + 7) // 8, "big"))
        for number in (numbers.n, numbers.e)
    )
    key_id = _text(hashlib.sha256(modulus.encode()).digest())[:27]
    return {"kty": "RSA", "use": "sig", "kid": key_id, "n": modulus, "e": exponent}


def claims_of(token: str) -> dict[str, Any]:
    """What a token says, its signature unchecked. Raises ValueError for what is no token."""
    parts = token.split(".")
    if len(parts) != 3:
        raise ValueError("a token has three parts")
    padded = parts[1] + "=" * (-len(parts[1]) % 4)
    found = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    if not isinstance(found, dict):
        raise ValueError("a token's claims are an object")  # noqa: TRY004  one error for callers
    return found


def is_signed_by(token: str, key: bytes) -> bool:
    """Whether a token was made with this key."""
    signed, _, signature = token.rpartition(".")
    return hmac.compare_digest(signature, _signature(signed, key))


def is_signed_by_rsa(token: str, key: RSAPublicKey) -> bool:
    """Whether a token was made with the private half of this key."""
    signed, _, signature = token.rpartition(".")
    try:
        raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
        key.verify(raw, signed.encode(), PKCS1v15(), SHA256())
    except (ValueError, InvalidSignature):
        return False
    return True


def _part(content: Claims) -> str:
    return _text(json.dumps(content, separators=(",", ":")).encode())


def _signature(signed: str, key: bytes) -> str:
    return _text(hmac.digest(key, signed.encode(), hashlib.sha256))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
