import { createHash, randomBytes } from 'node:crypto';

/** A JSON response of the server. */
export interface Answer {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

export interface Tokens {
  access_token: string;
  refresh_token: string;
  scope: string;
  token_type: string;
  expires_in: number;
}

interface Metadata {
  issuer: string;
  authorization_endpoint: string;
  token_endpoint: string;
  registration_endpoint: string;
}

/** A minimal MCP client: it knows the MCP endpoint and discovers everything else. */
export class McpClient {
  clientId = '';
  /** The secret of a confidential client. */
  secret: string | undefined;
  /** Of the latest request. */
  verifier = '';
  /** Of the latest request. */
  state = '';

  private constructor(
    readonly mcp: string,
    readonly resource: string,
    readonly metadata: Metadata,
  ) {}

  /** Discovery from the 401 of the MCP endpoint to the server's metadata (RFC 9728, RFC 8414). */
  static async discover(mcp: string): Promise<McpClient> {
    const refused = await fetch(mcp, { method: 'POST', headers: HEADERS, body: JSON.stringify(INITIALIZE) });
    const challenge = refused.headers.get('www-authenticate') ?? '';
    const address = challenge.match(/resource_metadata="([^"]+)"/)?.[1];
    if (refused.status !== 401 || !address) throw new Error(`no challenge: ${refused.status} ${challenge}`);
    const resource = (await get(address)) as { resource: string; authorization_servers: string[] };
    const metadata = await get(`${resource.authorization_servers[0]}/.well-known/oauth-authorization-server`);
    return new McpClient(mcp, resource.resource, metadata as unknown as Metadata);
  }

  /** Discovers and registers. */
  static async connect(mcp: string, redirectUri: string, name = 'Test Client'): Promise<McpClient> {
    const client = await McpClient.discover(mcp);
    const { status, body } = await client.register({ client_name: name, redirect_uris: [redirectUri] });
    if (status !== 201) throw new Error(`registration refused: ${JSON.stringify(body)}`);
    client.clientId = String(body.client_id);
    return client;
  }

  /** Dynamic registration (RFC 7591) as a public client. */
  async register(metadata: Record<string, unknown>): Promise<Answer> {
    const whole = {
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      ...metadata,
    };
    return answer(
      await fetch(this.metadata.registration_endpoint, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(whole),
      }),
    );
  }

  /** The authorization request. Each call creates a new request with its own secret. */
  authorizationUrl(redirectUri: string, changes: Record<string, string> = {}): string {
    this.verifier = randomBytes(32).toString('base64url');
    this.state = randomBytes(12).toString('base64url');
    const parameters = new URLSearchParams({
      response_type: 'code',
      client_id: this.clientId,
      redirect_uri: redirectUri,
      code_challenge: createHash('sha256').update(this.verifier).digest('base64url'),
      code_challenge_method: 'S256',
      state: this.state,
      scope: 'notes:read notes:write',
      resource: this.resource,
      ...changes,
    });
    return `${this.metadata.authorization_endpoint}?${parameters}`;
  }

  /** Checks a response at the callback and exchanges its code. */
  async exchange(callback: URLSearchParams, redirectUri: string): Promise<Tokens> {
    if (callback.get('state') !== this.state || callback.get('iss') !== this.metadata.issuer) {
      throw new Error(`not the answer to this request: ${callback}`);
    }
    const { status, body } = await this.token({
      grant_type: 'authorization_code',
      code: callback.get('code') ?? '',
      redirect_uri: redirectUri,
      code_verifier: this.verifier,
    });
    if (status !== 200) throw new Error(`exchange refused: ${JSON.stringify(body)}`);
    return body as unknown as Tokens;
  }

  /** Refreshes a token. */
  refresh(refreshToken: string, at?: string): Promise<Answer> {
    return this.token({ grant_type: 'refresh_token', refresh_token: refreshToken }, at);
  }

  /** Any request of this client for its resource to the token endpoint or another one. */
  async token(parameters: Record<string, string>, at = this.metadata.token_endpoint): Promise<Answer> {
    const proof = this.secret ? { client_secret: this.secret } : {};
    const body = new URLSearchParams({ client_id: this.clientId, resource: this.resource, ...proof, ...parameters });
    return answer(await fetch(at, { method: 'POST', body }));
  }

  /** Calls `/api/me` with an access token. */
  async me(accessToken: string): Promise<Answer> {
    const headers = { authorization: `Bearer ${accessToken}` };
    return answer(await fetch(`${this.metadata.issuer}/api/me`, { headers }));
  }

  /** The status of the MCP endpoint with an access token. */
  async mcpStatus(accessToken: string): Promise<number> {
    const headers = { ...HEADERS, authorization: `Bearer ${accessToken}` };
    const taken = await fetch(this.mcp, { method: 'POST', headers, body: JSON.stringify(INITIALIZE) });
    await taken.body?.cancel();
    return taken.status;
  }
}

/** The id of the key that signed a PASETO, from its footer. */
export function keyOf(accessToken: string): string {
  const [version, purpose, , footer] = accessToken.split('.');
  if (version !== 'v4' || purpose !== 'public' || !footer) throw new Error(`not a v4.public token with a footer`);
  return (JSON.parse(Buffer.from(footer, 'base64url').toString()) as { kid: string }).kid;
}

const HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'end2end', version: '1' } },
};

async function get(address: string): Promise<Record<string, unknown>> {
  const { status, body } = await answer(await fetch(address));
  if (status !== 200) throw new Error(`${address} answered ${status}`);
  return body;
}

async function answer(response: Response): Promise<Answer> {
  const body = (await response.json()) as Record<string, unknown>;
  return { status: response.status, headers: response.headers, body };
}
