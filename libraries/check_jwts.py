"""Libraries for Python judge the JWTs of Vestibule. Called by jwts.test.ts with a file of tokens."""

import asyncio
import importlib
import json
import sys
import urllib.request
from pathlib import Path

import jwt
from fastmcp.server.auth.providers.introspection import IntrospectionTokenVerifier
from fastmcp.server.auth.providers.jwt import JWTVerifier
from joserfc import jwt as joserfc_jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend
from starlette.requests import HTTPConnection

from support.checks import check, report

def by_pyjwt(given: dict, own: dict):
    keys = jwt.PyJWKClient(given["issuer"] + "/.well-known/jwks.json")

    def verify(token: str) -> dict | None:
        try:
            key = keys.get_signing_key_from_jwt(token)
            return jwt.decode(token, key, algorithms=[own["algorithm"]], issuer=given["issuer"], audience=own["resource"])
        except jwt.PyJWTError:
            return None

    return verify


def by_joserfc(given: dict, own: dict):
    with urllib.request.urlopen(given["issuer"] + "/.well-known/jwks.json") as answer:
        keys = KeySet.import_key_set(json.load(answer))
    claims = joserfc_jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": given["issuer"]}, aud={"essential": True, "value": own["resource"]}, exp={"essential": True}
    )
    # RFC 9864 names Ed25519 apart; the algorithm of our header is the older name.
    algorithms = [own["algorithm"]]

    def verify(token: str) -> dict | None:
        try:
            decoded = joserfc_jwt.decode(token, keys, algorithms=algorithms)
            claims.validate(decoded.claims)
        except (JoseError, ValueError):
            return None
        return decoded.claims

    return verify


def by_fastmcp(given: dict, own: dict):
    jwks = given["issuer"] + "/.well-known/jwks.json"
    # RS256 is its default.
    more = {} if own["algorithm"] == "RS256" else {"algorithm": own["algorithm"]}
    verifier = JWTVerifier(jwks_uri=jwks, issuer=given["issuer"], audience=own["resource"], **more)
    return lambda token: claims_of(verifier, token)


def by_introspection(given: dict, own: dict):
    verifier = IntrospectionTokenVerifier(
        introspection_url=given["issuer"] + "/introspect", client_id=own["id"], client_secret=given["secret"]
    )
    return lambda token: claims_of(verifier, token)


def by_introspection_in_the_body(given: dict, own: dict):
    verifier = IntrospectionTokenVerifier(
        introspection_url=given["issuer"] + "/introspect",
        client_id=own["id"],
        client_secret=given["secret"],
        client_auth_method="client_secret_post",
        audience=own["resource"],
        required_scopes=["notes:read"],
    )
    return lambda token: claims_of(verifier, token)


def by_the_python_sdk(given: dict, own: dict):
    recipe = importlib.import_module(own["id"].replace("-", "_"))
    backend = BearerAuthBackend(recipe.Tokens(), resource_server_url=recipe.mcp.settings.auth.resource_server_url)

    def verify(token: str) -> dict | None:
        headers = [(b"authorization", b"Bearer " + token.encode())]
        admitted = asyncio.run(backend.authenticate(HTTPConnection({"type": "http", "headers": headers})))
        return admitted[1].access_token.claims if admitted else None

    return verify


def claims_of(verifier, token: str) -> dict | None:
    accepted = asyncio.run(verifier.verify_token(token))
    return accepted.claims if accepted else None


def main(file: Path) -> None:
    sys.path.insert(0, str(file.parent))
    given = json.loads(file.read_text())
    for own in given["formats"]:
        for library in (by_pyjwt, by_joserfc, by_fastmcp, by_introspection, by_introspection_in_the_body, by_the_python_sdk):
            about = f"{library.__name__} {own['id']}"
            verify = library(given, own)
            claims = verify(own["good"])
            check(claims is not None, f"{about}: a good token")
            check((claims["aud"], claims["scope"]) == (own["resource"], "notes:read"), f"{about}: the claims {claims}")
            for name, token in own["bad"].items():
                check(verify(token) is None, f"{about}: {name}")
    report()


main(Path(sys.argv[1]))
