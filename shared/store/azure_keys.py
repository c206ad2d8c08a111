r"""Keys of ours as keys of Azure Tables, and back.

Tables take no `/ \ # ?`, no control characters, and no more than 512 characters. Letters, digits
and `-:.+~` stay what they are, so that keys made of them keep their order.
"""

from __future__ import annotations

import hashlib
import re

LONGEST = 512
_OTHER = re.compile(r"[^A-Za-z0-9.:+~-]")
_ESCAPED = re.compile(r"(?:_[0-9a-f]{2})+")
# No escape begins so: h is no hexadecimal digit.
_HASHED = "_h"


def escaped(key: str) -> str:
    """The key with every other character as `_` and two digits a UTF-8 byte; may be too long."""
    return _OTHER.sub(lambda found: "".join(f"_{byte:02x}" for byte in _bytes(found[0])), key)


def stored(key: str) -> str:
    """What the key is kept under: escaped, or where that is too long a hash."""
    text = escaped(key)
    return text if len(text) <= LONGEST else _HASHED + hashlib.sha256(_bytes(key)).hexdigest()


def is_hashed(text: str) -> bool:
    """Whether the key cannot be had back from what it is kept under."""
    return text.startswith(_HASHED)


def original(text: str) -> str:
    """The key that is kept under `text`, which is not hashed."""
    return _ESCAPED.sub(lambda found: _text(bytes.fromhex(found[0].replace("_", ""))), text)


# Half a surrogate pair is no text, but JSON can hold one, and it must not break a key.
def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(found: bytes) -> str:
    return found.decode("utf-8", "surrogatepass")
