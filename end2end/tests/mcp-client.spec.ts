import {
  Client,
  type OAuthClientMetadata,
  type OAuthClientProvider,
  StreamableHTTPClientTransport,
  UnauthorizedError,
  auth,
  discoverAuthorizationServerMetadata,
  refreshAuthorization,
} from '@modelcontextprotocol/client';
import { allow, decide, expectPage, signIn } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';

type Stored<Load extends keyof OAuthClientProvider> = Awaited<ReturnType<Extract<OAuthClientProvider[Load], (...all: never[]) => unknown>>>;

/** The state of an application between the steps; the browser is the test's. */
class Application implements OAuthClientProvider {
  readonly clientMetadata: OAuthClientMetadata;
  authorizationUrl: URL | undefined;
  information: Stored<'clientInformation'>;
  stored: Stored<'tokens'>;
  #verifier = '';
  #discovered: Stored<'discoveryState'>;

  constructor(readonly redirectUrl: string) {
    this.clientMetadata = {
      client_name: 'TypeScript Client',
      redirect_uris: [redirectUrl],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    };
  }

  state = () => 'state-of-the-application';
  clientInformation = () => this.information;
  saveClientInformation = (information: NonNullable<Stored<'clientInformation'>>) => void (this.information = information);
  tokens = () => this.stored;
  saveTokens = (tokens: NonNullable<Stored<'tokens'>>) => void (this.stored = tokens);
  redirectToAuthorization = (url: URL) => void (this.authorizationUrl = url);
  saveCodeVerifier = (verifier: string) => void (this.#verifier = verifier);
  codeVerifier = () => this.#verifier;
  saveDiscoveryState = (state: NonNullable<Stored<'discoveryState'>>) => void (this.#discovered = state);
  discoveryState = () => this.#discovered;
}

/** An application with a metadata document (R-C2) at its own URL. */
class PublishedApplication extends Application {
  constructor(
    redirectUrl: string,
    readonly clientMetadataUrl: string,
  ) {
    super(redirectUrl);
  }
}

test('the official TypeScript client: discovery, registration, sign-in, tools, step-up, refresh, and revocation by replay', async ({
  page,
  startServer,
  callback,
}) => {
  const server = await startServer({ settings: { VESTIBULE_REFRESH_REPLAY_WINDOW: '0s' } });
  const user = await server.user();
  const application = new Application(callback.uri);
  const newTransport = () => new StreamableHTTPClientTransport(new URL(server.mcp), { authProvider: application });

  await test.step('without a token it finds its way to the browser', async () => {
    const refused = newTransport();
    await expect(newClient().connect(refused)).rejects.toThrow(UnauthorizedError);
    expect(application.information?.client_id).toBeTruthy();
    expect(application.authorizationUrl?.origin).toBe(server.issuer);
    expect(application.authorizationUrl?.searchParams.get('resource')).toBe(server.mcp);

    await page.goto(application.authorizationUrl!.href);
    await signIn(page, user);
    await expectPage(page, 'consent');
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('TypeScript Client wants to use Notes');
    await decide(page, 'Allow');
    await expect(page).toHaveURL(/\/callback\?code=/);
    expect(callback.answer.get('state')).toBe(application.state());
    await refused.finishAuth(callback.answer);
    expect(application.stored?.refresh_token).toBeTruthy();
  });

  const client = newClient();
  const transport = newTransport();
  await client.connect(transport);
  const addNote = (text: string) => client.callTool({ name: 'add_note', arguments: { text } });

  await test.step('it lists the tools, and calls the one that its scopes allow', async () => {
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name).sort()).toEqual(['add_note', 'whoami']);
    const whoami = await client.callTool({ name: 'whoami', arguments: {} });
    expect(whoami.structuredContent).toMatchObject({ client_id: application.information?.client_id, scope: 'notes:read offline_access' });
  });

  await test.step('for the other it asks again, for both scopes (R-K8), and the person sees what is new', async () => {
    await expect(addNote('Buy milk')).rejects.toThrow(UnauthorizedError);
    expect(application.authorizationUrl?.searchParams.get('scope')).toBe('notes:read offline_access notes:write');
    await page.goto(application.authorizationUrl!.href);
    await expectPage(page, 'consent');
    await expect(page.locator('.permissions').getByRole('listitem').filter({ hasText: 'New' })).toHaveText(['New Add notes for you']);
    await decide(page, 'Allow');
    await expect(page).toHaveURL(/\/callback\?code=/);
    await transport.finishAuth(callback.answers.at(-1)!);
    expect((await addNote('Buy milk')).structuredContent).toEqual({ notes: 1 });
    expect((await addNote('Drink it')).structuredContent).toEqual({ notes: 2 });
  });

  const old = application.stored!;
  await test.step('it refreshes, and the tools work with the new token', async () => {
    expect(await auth(application, { serverUrl: server.mcp })).toBe('AUTHORIZED');
    expect(application.stored?.access_token).not.toBe(old.access_token);
    expect(application.stored?.refresh_token).not.toBe(old.refresh_token);
    expect((await addNote('Wash the glass')).structuredContent).toEqual({ notes: 3 });
  });

  await test.step('the old refresh token is refused, and takes the whole grant with it', async () => {
    const metadata = await discoverAuthorizationServerMetadata(server.issuer);
    const refresh = (refreshToken: string) =>
      refreshAuthorization(server.issuer, {
        ...(metadata && { metadata }),
        clientInformation: application.information!,
        refreshToken,
        resource: new URL(server.mcp),
      });
    await expect(refresh(old.refresh_token!)).rejects.toMatchObject({ code: 'invalid_grant' });
    await expect(refresh(application.stored!.refresh_token!)).rejects.toMatchObject({ code: 'invalid_grant' });
    const me = await fetch(server.url('/api/me'), { headers: { authorization: `Bearer ${application.stored!.access_token}` } });
    expect(me.status).toBe(401);
  });

  await client.close();
});

test('the official TypeScript client, known by its metadata document: sign-in, tool call and refresh without registering', async ({
  page,
  startServer,
  callback,
  publishDocument,
}) => {
  const document = await publishDocument({ client_name: 'TypeScript Client', redirect_uris: [callback.uri], token_endpoint_auth_method: 'none' });
  const server = await startServer({ settings: { SSL_CERT_FILE: document.certificateFile } });
  const application = new PublishedApplication(callback.uri, document.url);
  const refused = new StreamableHTTPClientTransport(new URL(server.mcp), { authProvider: application });
  await expect(newClient().connect(refused)).rejects.toThrow(UnauthorizedError);
  expect(application.authorizationUrl?.searchParams.get('client_id')).toBe(document.url);

  await page.goto(application.authorizationUrl!.href);
  await signIn(page, await server.user());
  await expectPage(page, 'consent');
  await expect(page.getByRole('main')).toContainText(new URL(document.url).host);
  await decide(page, 'Allow');
  await expect(page).toHaveURL(/\/callback\?code=/);
  await refused.finishAuth(callback.answer);

  const old = application.stored!;
  expect(await auth(application, { serverUrl: server.mcp })).toBe('AUTHORIZED');
  expect(application.stored?.refresh_token).not.toBe(old.refresh_token);
  const client = newClient();
  await client.connect(new StreamableHTTPClientTransport(new URL(server.mcp), { authProvider: application }));
  const whoami = await client.callTool({ name: 'whoami', arguments: {} });
  expect(whoami.structuredContent).toMatchObject({ client_id: document.url });
  await client.close();

  expect(document.fetched).toBe(1);
  const known = await server.json<{ client_id: string; kind: string }[]>(['client', 'list']);
  expect(known.map(({ client_id, kind }) => ({ client_id, kind }))).toEqual([{ client_id: document.url, kind: 'document' }]);
});

function newClient(): Client {
  return new Client({ name: 'end2end', version: '1.0.0' });
}

test('inside the window a repeated refresh gets the same successor; concurrent clients keep working', async ({ page, user, client, callback }) => {
  const tokens = await allow(page, client, callback, user);
  const answers = await Promise.all(Array.from({ length: 8 }, () => client.refresh(tokens.refresh_token)));
  expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
  expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1);
  const [answer] = answers;
  expect((await client.refresh(String(answer?.body.refresh_token))).status).toBe(200);
});

test('a code that is used twice is refused, and its grant is revoked', async ({ page, user, client, callback }) => {
  const tokens = await allow(page, client, callback, user);
  await expect(client.exchange(callback.answer, callback.uri)).rejects.toThrow(/invalid_grant/);
  expect((await client.me(tokens.access_token)).status).toBe(401);
  expect((await client.refresh(tokens.refresh_token)).body.error).toBe('invalid_grant');
});
