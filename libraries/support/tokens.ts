import { createHash, randomBytes } from 'node:crypto';
import type { Person } from './person.ts';
import type { Vestibule } from './vestibule.ts';

const REDIRECT = 'http://127.0.0.1:7000/callback';

/** An access token for a resource, by the whole flow of a client that registers. */
export async function accessToken(vestibule: Vestibule, person: Person, resource: string, scope = 'notes:read'): Promise<string> {
  const client = await post(`${vestibule.issuer}/register`, {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ client_name: 'Libraries', redirect_uris: [REDIRECT], token_endpoint_auth_method: 'none' }),
  });
  const verifier = randomBytes(32).toString('base64url');
  const request = new URLSearchParams({
    response_type: 'code',
    client_id: client.client_id!,
    redirect_uri: REDIRECT,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    state: 'state',
    scope,
    resource,
  });
  const answer = await person.allows(`${vestibule.issuer}/authorize?${request}`);
  const code = answer.get('code');
  if (!code) throw new Error(`no code: ${answer}`);
  const tokens = await post(`${vestibule.issuer}/token`, {
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: REDIRECT,
      code_verifier: verifier,
      client_id: client.client_id!,
      resource,
    }),
  });
  return tokens.access_token!;
}

/** The same token with another signature. */
export function altered(token: string): string {
  const parts = token.split('.');
  const last = Buffer.from(parts[2] ?? '', 'base64url');
  last[last.length - 1]! ^= 1;
  parts[2] = last.toString('base64url');
  return parts.join('.');
}

async function post(url: string, request: RequestInit): Promise<Record<string, string>> {
  const response = await fetch(url, { method: 'POST', ...request });
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Record<string, string>;
}
