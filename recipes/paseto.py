"""Verifies the PASETO access tokens of Vestibule (v4.public). Copy this file into your server.

    pip install "cryptography>=50,<51"

    verifier = Verifier("https://auth.example.com", "https://notes.example.com/mcp")
    claims = verifier.verify(token)  # raises Refused, or OSError when the keys cannot be read
"""

import base64
import json
import time
import urllib.request
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HEADER = "v4.public."
MAX_AGE, PAUSE, SKEW = 300, 10, 60


class Refused(Exception):
    """The token is not valid here."""


class Verifier:
    def __init__(self, issuer: str, audience: str) -> None:
        self.issuer, self.audience = issuer, audience
        self.keys, self.read_at = {}, float("-inf")

    def verify(self, token: str, now: float | None = None) -> dict:
        """The claims of a token that the issuer signed for this audience, and that has not expired."""
        now = time.time() if now is None else now
        try:
            message, footer = split(token)
            key = self.key(str(json.loads(footer)["kid"]), now)
            claims = json.loads(open_message(message, footer, key))
            has_texts = all(isinstance(claims[name], str) for name in ("sub", "client_id", "scope"))
            is_ours = claims["iss"] == self.issuer and claims["aud"] == self.audience
            is_current = seconds(claims["iat"]) - SKEW <= now < seconds(claims["exp"])
        except (ValueError, TypeError, KeyError, RecursionError) as fault:
            raise Refused("malformed") from fault
        if not (has_texts and is_ours and is_current):
            raise Refused("incomplete, issued for something else, or expired")
        return claims

    def key(self, kid: str, now: float) -> bytes:
        """The public key of this id. An unknown id reads the keys again, but not all the time."""
        age = now - self.read_at
        if age > MAX_AGE or (kid not in self.keys and age > PAUSE):
            with urllib.request.urlopen(f"{self.issuer}/.well-known/paseto-keys", timeout=5) as answer:
                self.keys, self.read_at = {key["kid"]: key for key in json.load(answer)["keys"]}, now
        key = self.keys.get(kid, {"state": "unknown"})
        if key["state"] not in ("active", "retiring") or ("until" in key and now >= seconds(key["until"])):
            raise Refused("unknown or retired key")
        return decode(key["key"].removeprefix("k4.public."))


def split(token: str) -> tuple[bytes, bytes]:
    """Message with signature, and footer."""
    message, _, footer = token.removeprefix(HEADER).partition(".")
    if not token.startswith(HEADER) or len(token) > 8192 or len(message) < 87 or len(footer) > 344:
        raise Refused("no v4.public token")
    return decode(message), decode(footer)


def open_message(message: bytes, footer: bytes, key: bytes, implicit: bytes = b"") -> bytes:
    """The payload of a v4.public token, if this key signed it."""
    parts = [HEADER.encode(), message[:-64], footer, implicit]
    signed = b"".join([size(parts), *(size(part) + part for part in parts)])
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(message[-64:], signed)
    except InvalidSignature:
        raise Refused("wrong signature") from None
    return message[:-64]


def size(part) -> bytes:
    return len(part).to_bytes(8, "little")


def decode(text: str) -> bytes:
    out = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64.urlsafe_b64encode(out).decode().rstrip("=") != text:
        raise Refused("encoding")
    return out


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
