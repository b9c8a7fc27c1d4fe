// Libraries of others judge the JWTs of Vestibule, each as its users call it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { requireBearerAuth as requireBearerAuthV1 } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { OAuthError, OAuthErrorCode, requireBearerAuth } from '@modelcontextprotocol/server';
import express from 'express';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { type Format, everyFormat } from './support/formats.ts';
import { PYTHON } from './support/python.ts';
import type { Vestibule } from './support/vestibule.ts';

const SECRET = 'vis_the-secret-of-these-tests';
const HASH = createHash('sha256').update(SECRET).digest('base64url');

describe('JWT access tokens', { timeout: 300_000 }, () => {
  let vestibule: Vestibule;
  let formats: Format[];

  before(async () => {
    [vestibule, formats] = await everyFormat(HASH);
  });
  after(() => vestibule?.stop());

  const verifier = (format: Format, fault: () => Error) => {
    const keys = createRemoteJWKSet(new URL(`${vestibule.issuer}/.well-known/jwks.json`));
    return {
      verifyAccessToken: async (token: string) => {
        const { issuer, audience, typ } = { issuer: vestibule.issuer, audience: format.resource, typ: format.type };
        const { payload } = await jwtVerify(token, keys, { issuer, audience, typ }).catch(() => Promise.reject(fault()));
        return { token, clientId: String(payload.client_id), scopes: String(payload.scope).split(' '), expiresAt: payload.exp! };
      },
    };
  };

  test('jose: createRemoteJWKSet and jwtVerify', async () => {
    for (const { algorithm, type: typ, resource: audience, good, bad } of formats) {
      const keys = createRemoteJWKSet(new URL(`${vestibule.issuer}/.well-known/jwks.json`));
      const options = { issuer: vestibule.issuer, audience, typ };
      const { payload, protectedHeader } = await jwtVerify(good, keys, options);
      assert.equal(protectedHeader.alg, algorithm);
      assert.deepEqual([payload.aud, payload.scope, payload.exp! - payload.iat!], [audience, 'notes:read', 3600]);
      const codes = { other: 'ERR_JWT_CLAIM_VALIDATION_FAILED', expired: 'ERR_JWT_EXPIRED', altered: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED', paseto: 'ERR_JWS_INVALID' };
      for (const [name, code] of Object.entries(codes)) {
        await assert.rejects(jwtVerify(bad[name as keyof typeof bad], keys, options), { code }, `${algorithm} ${typ} ${name}`);
      }
      await assert.rejects(jwtVerify(good, keys, { ...options, issuer: 'https://other.example.com' }), { code: codes.other });
      await assert.rejects(jwtVerify(good, keys, { ...options, typ: 'dpop+jwt' }), { code: codes.other });
    }
  });

  test('requireBearerAuth of version 2 of the TypeScript SDK', async () => {
    for (const format of formats) {
      const refuse = () => new OAuthError(OAuthErrorCode.InvalidToken, 'not valid here');
      const statusOf = async (token: string | undefined, requiredScopes: string[]) => {
        const gate = requireBearerAuth({ verifier: verifier(format, refuse), requiredScopes });
        const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
        const answer = await gate(new Request(format.resource, { method: 'POST', headers }));
        return answer instanceof Response ? answer.status : answer.scopes;
      };
      assert.deepEqual(await statusOf(format.good, ['notes:read']), ['notes:read']);
      assert.equal(await statusOf(format.good, ['notes:write']), 403);
      assert.equal(await statusOf(undefined, []), 401);
      for (const [name, token] of Object.entries(format.bad)) assert.equal(await statusOf(token, []), 401, `${format.id} ${name}`);
    }
  });

  test('requireBearerAuth of version 1 of the TypeScript SDK', async () => {
    for (const format of formats) {
      const app = express();
      const own = verifier(format, () => new InvalidTokenError('not valid here'));
      app.get('/read', requireBearerAuthV1({ verifier: own, requiredScopes: ['notes:read'] }), (_, response) => void response.end());
      app.get('/write', requireBearerAuthV1({ verifier: own, requiredScopes: ['notes:write'] }), (_, response) => void response.end());
      const server = app.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const statusOf = async (path: string, token: string) => (await fetch(at + path, { headers: { authorization: `Bearer ${token}` } })).status;
      assert.equal(await statusOf('/read', format.good), 200);
      assert.equal(await statusOf('/write', format.good), 403);
      for (const [name, token] of Object.entries(format.bad)) assert.equal(await statusOf('/read', token), 401, `${format.id} ${name}`);
      server.closeAllConnections();
      server.close();
    }
  });

  test('PyJWT, joserfc, FastMCP and the TokenVerifier of the Python SDK', async (context) => {
    const folder = await mkdtemp(join(tmpdir(), 'vestibule-libraries-'));
    for (const { id } of formats) {
      await writeFile(join(folder, `${id.replaceAll('-', '_')}.py`), await vestibule.prints(['resource', 'show', id, '--for', 'python']));
    }
    const input = join(folder, 'formats.json');
    await writeFile(input, JSON.stringify({ issuer: vestibule.issuer, secret: SECRET, formats }));
    const script = fileURLToPath(new URL('check_jwts.py', import.meta.url));
    const { stdout } = await promisify(execFile)(PYTHON, [script, input]);
    await rm(folder, { recursive: true });
    context.diagnostic(stdout.trim());
    assert.match(stdout, /^\d+ checks passed$/m);
  });
});
