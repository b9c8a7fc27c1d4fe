"""Judges recipes/paseto.py. Called by paseto.test.ts with the folder of the recipe and a file of tokens."""

import base64
import io
import json
import sys
import time
import urllib.request
from datetime import datetime, timezone
from pathlib import Path

from support.checks import check, report

sys.path.insert(0, sys.argv[1])
import paseto  # noqa: E402


def is_refused(act) -> bool:
    try:
        act()
    except paseto.Refused:
        return True
    return False


def official_vectors(file: str) -> None:
    known = "1eb9dbbbbc047c03fd70604e0071f0987e16b28b757225c11f00415d0e20b1a2"
    for vector in json.loads(Path(file).read_text())["tests"]:
        key = bytes.fromhex(vector.get("public-key", known))

        def opened() -> bytes:
            message, footer = paseto.split(vector["token"])
            return paseto.open_message(message, footer, key, vector["implicit-assertion"].encode())

        if vector["name"].startswith("4-S-"):
            check(opened().decode() == vector["payload"], vector["name"])
        else:
            check(is_refused(opened), vector["name"])


def real_tokens(given: dict) -> None:
    token = given["token"]
    verifier = paseto.Verifier(given["issuer"], given["resource"])
    claims = verifier.verify(token)
    check((claims["aud"], claims["scope"]) == (given["resource"], "notes:read"), "the claims")
    _, _, message, footer = token.split(".")
    foreign = base64.urlsafe_b64encode(b'{"kid": "k4.pid.unknown"}').decode().rstrip("=")
    deep = base64.urlsafe_b64encode(b"[" * 250).decode().rstrip("=")
    bad = [given["others"], given["altered"], f"v4.public.{message}", f"v4.public.{message}.{foreign}", f"v4.public.{message}.{deep}"]
    bad += [f"v4.local.{message}.{footer}", token + "=", token + ".x", token[:40], "v4.public.", "", "x", "é" * 200, "v4.public." + "A" * 9000]
    bad += [f"v4.public.{message}.bnVsbA"]
    for text in bad:
        check(is_refused(lambda: verifier.verify(text)), f"refused: {text[:60]}")
    for hours in (1, -1):
        check(is_refused(lambda: verifier.verify(token, time.time() + hours * 3600)), f"{hours} hours away")
    check(is_refused(lambda: paseto.Verifier(given["issuer"], "https://x.example").verify(token)), "another audience")


def states_of_keys(given: dict) -> None:
    with urllib.request.urlopen(given["issuer"] + "/.well-known/paseto-keys") as answer:
        published = json.load(answer)["keys"]
    now, asked = time.time(), []

    def accepts(change: dict, verifier=None) -> bool:
        keys = json.dumps({"keys": [key | change for key in published] if change is not None else []})

        def urlopen(url: str, timeout: float):
            asked.append(url)
            return io.BytesIO(keys.encode())

        paseto.urllib.request.urlopen, original = urlopen, paseto.urllib.request.urlopen
        try:
            return not is_refused(lambda: (verifier or paseto.Verifier(given["issuer"], given["resource"])).verify(given["token"], now))
        finally:
            paseto.urllib.request.urlopen = original

    def at(moment: float) -> str:
        return datetime.fromtimestamp(moment, timezone.utc).isoformat()

    check(accepts({}), "the active key")
    check(accepts({"state": "retiring", "until": at(now + 5)}), "a retiring key")
    for change in ({"until": at(now - 1)}, {"until": "soon"}, {"state": "revoked"}, None):
        check(not accepts(change), f"a key with {change}")
    verifier = paseto.Verifier(given["issuer"], given["resource"])
    asked.clear()
    for _ in range(3):
        check(not accepts(None, verifier), "an unknown key")
    check(len(asked) == 1, "unknown keys are not looked for all the time")


given = json.loads(Path(sys.argv[2]).read_text())
official_vectors(given["vectors"])
real_tokens(given)
states_of_keys(given)
report()
