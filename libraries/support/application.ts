import {
  Client,
  type OAuthClientMetadata,
  type OAuthClientProvider,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import type { Person } from './person.ts';

type Stored<Load extends keyof OAuthClientProvider> = Awaited<ReturnType<Extract<OAuthClientProvider[Load], (...all: never[]) => unknown>>>;

/** An application with the official client, whose user is `person`. */
export class Application implements OAuthClientProvider {
  readonly redirectUrl = 'http://127.0.0.1:7000/callback';
  readonly clientMetadata: OAuthClientMetadata = {
    client_name: 'TypeScript Client',
    redirect_uris: [this.redirectUrl],
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  };
  authorizationUrl: URL | undefined;
  readonly client: Client;
  #transport: StreamableHTTPClientTransport;
  #information: Stored<'clientInformation'>;
  #tokens: Stored<'tokens'>;
  #verifier = '';
  #discovered: Stored<'discoveryState'>;

  constructor(
    private readonly server: string,
    private readonly person: Person,
    /** The revision of MCP that it speaks, unless that is for the first request to find out. */
    private readonly revision?: string,
  ) {
    this.client = this.#newClient();
    this.#transport = this.#newTransport();
  }

  state = () => 'state-of-the-application';
  clientInformation = () => this.#information;
  saveClientInformation = (information: NonNullable<Stored<'clientInformation'>>) => void (this.#information = information);
  tokens = () => this.#tokens;
  saveTokens = (tokens: NonNullable<Stored<'tokens'>>) => void (this.#tokens = tokens);
  redirectToAuthorization = (url: URL) => void (this.authorizationUrl = url);
  saveCodeVerifier = (verifier: string) => void (this.#verifier = verifier);
  codeVerifier = () => this.#verifier;
  saveDiscoveryState = (state: NonNullable<Stored<'discoveryState'>>) => void (this.#discovered = state);
  discoveryState = () => this.#discovered;

  /** Connects without a token, lets the person sign in, and connects again. */
  async connect(): Promise<void> {
    await this.#refusedOnce(() => this.#newClient().connect(this.#transport));
    this.#transport = this.#newTransport();
    await this.client.connect(this.#transport);
  }

  /** Calls a tool that needs more than the token permits: asks the person, and calls it again. */
  async callAfterStepUp(name: string, parameters: Record<string, unknown>): Promise<string> {
    await this.#refusedOnce(() => this.call(name, parameters));
    return this.call(name, parameters);
  }

  /** The text that a tool answers with. */
  async call(name: string, parameters: Record<string, unknown> = {}): Promise<string> {
    const result = await this.client.callTool({ name, arguments: parameters });
    const [content] = result.content as { type: string; text: string }[];
    if (result.isError || !content) throw new Error(`${name}: ${JSON.stringify(result)}`);
    return content.text;
  }

  /** Calls a tool that waits, hears of its progress, and cancels the call. */
  async cancel(name: string): Promise<void> {
    const ending = new AbortController();
    const call = this.client.callTool({ name, arguments: {} }, { signal: ending.signal, onprogress: () => ending.abort('no longer wanted') });
    const fault = await call.then(
      () => new Error('it was not cancelled'),
      (error: unknown) => error,
    );
    if (!ending.signal.aborted) throw fault;
  }

  async #refusedOnce(act: () => Promise<unknown>): Promise<void> {
    this.authorizationUrl = undefined;
    const fault = await act().then(
      () => new Error('it was not refused'),
      (error: unknown) => error,
    );
    const url = this.authorizationUrl as URL | undefined;
    if (!(fault instanceof UnauthorizedError) || !url) throw fault;
    await this.#transport.finishAuth(await this.person.allows(url));
  }

  #newClient(): Client {
    const versionNegotiation = this.revision === undefined ? {} : { versionNegotiation: { mode: { pin: this.revision } } };
    return new Client({ name: 'libraries', version: '1.0.0' }, versionNegotiation);
  }

  #newTransport(): StreamableHTTPClientTransport {
    return new StreamableHTTPClientTransport(new URL(this.server), { authProvider: this });
  }
}
