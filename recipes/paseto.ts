// Verifies the PASETO access tokens of Vestibule (v4.public). Copy this file into your server.
//
//   npm install @noble/ed25519@3
//
//   const verifier = new Verifier('https://auth.example.com', 'https://notes.example.com/mcp');
//   const claims = await verifier.verify(token); // throws Refused, or the error of fetch
import { verifyAsync } from '@noble/ed25519';

export type Claims = Record<'iss' | 'sub' | 'aud' | 'client_id' | 'device_id' | 'scope' | 'iat' | 'exp' | 'jti', string>;
interface Key { kid: string; key: string; state: 'active' | 'retiring'; until?: string }

/** The token is not valid here. */
export class Refused extends Error {}

const HEADER = 'v4.public.';
const [MAX_AGE, PAUSE, SKEW] = [300_000, 10_000, 60_000];

export class Verifier {
  #keys: Key[] = [];
  #readAt = -Infinity;

  readonly issuer: string;
  readonly audience: string;

  constructor(issuer: string, audience: string) {
    [this.issuer, this.audience] = [issuer, audience];
  }

  /** The claims of a token that the issuer signed for this audience, and that has not expired. */
  async verify(token: string, now = Date.now()): Promise<Claims> {
    const [message, footer] = split(token);
    const payload = await open(message, footer, await this.#key(String(json(footer).kid), now));
    const claims = json(payload) as Claims;
    if (claims.iss !== this.issuer || claims.aud !== this.audience) throw new Refused('issued for something else');
    if (!(now < Date.parse(claims.exp))) throw new Refused('expired');
    if (!(Date.parse(claims.iat) <= now + SKEW)) throw new Refused('from the future');
    if ([claims.sub, claims.client_id, claims.scope].some((claim) => typeof claim !== 'string')) throw new Refused('incomplete');
    return claims;
  }

  /** The public key of this id. An unknown id reads the keys again, but not all the time. */
  async #key(kid: string, now: number): Promise<Uint8Array> {
    const find = () => this.#keys.find((key) => key.kid === kid);
    const age = now - this.#readAt;
    if (age > MAX_AGE || (!find() && age > PAUSE)) {
      const response = await fetch(`${this.issuer}/.well-known/paseto-keys`, { redirect: 'error', signal: AbortSignal.timeout(5000) });
      if (!response.ok) throw new Error(`the keys cannot be read: ${response.status}`);
      this.#keys = ((await response.json()) as { keys: Key[] }).keys;
      this.#readAt = now;
    }
    const key = find();
    if (!key?.key.startsWith('k4.public.')) throw new Refused('unknown key');
    const isOver = key.until !== undefined && !(now < Date.parse(key.until));
    if (isOver || !['active', 'retiring'].includes(key.state)) throw new Refused('retired key');
    return bytes(key.key.slice('k4.public.'.length));
  }
}

/** The payload of a v4.public token, if this key signed it. */
export async function open(message: Uint8Array, footer: Uint8Array, key: Uint8Array, implicit = new Uint8Array()): Promise<Uint8Array> {
  const payload = message.subarray(0, -64);
  const signed = authenticated([Buffer.from(HEADER), payload, footer, implicit]);
  const isGood = await verifyAsync(message.subarray(-64), signed, key, { zip215: false }).catch(() => false);
  if (!isGood) throw new Refused('wrong signature');
  return payload;
}

/** Message with signature, and footer. */
export function split(token: string): [Uint8Array, Uint8Array] {
  const parts = token.slice(HEADER.length).split('.');
  if (!token.startsWith(HEADER) || token.length > 8192 || parts.length > 2) throw new Refused('no v4.public token');
  const [message, footer] = [bytes(parts[0] ?? ''), bytes(parts[1] ?? '')];
  if (message.length <= 64 || footer.length > 256) throw new Refused('no v4.public token');
  return [message, footer];
}

/** Pre-authentication encoding: how many parts, then each with its length. */
const authenticated = (parts: Uint8Array[]) => Buffer.concat([length(parts.length), ...parts.flatMap((part) => [length(part.length), part])]);
const length = (count: number) => { const out = Buffer.alloc(8); out.writeUInt32LE(count); return out; };
const bytes = (text: string) => { const out = Buffer.from(text, 'base64url'); if (out.toString('base64url') !== text) throw new Refused('encoding'); return out; };
const json = (part: Uint8Array): Record<string, unknown> => { try { return Object(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(part))); } catch { throw new Refused('no JSON'); } };
