import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';
import { Authenticator } from '../support/authenticator.ts';
import { McpClient } from '../support/client.ts';
import { decide, expectPage, section, signIn, signOut } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';
import { TOUR, prepareCast, openAllDetails } from '../support/tour.ts';

const FOLDER = fileURLToPath(new URL('../test-results/screens/', import.meta.url));

test('screenshots of every page', async ({ page, startServer, callback, webCallback, complaints }) => {
  test.setTimeout(180_000);
  complaints.tolerate(/status of 4\d\d/);
  const picture = (name: string) => takePictures(page, name);
  const server = await startServer();
  const user = { email: 'alice@example.com', password: 'correct horse battery' };

  await page.goto(await server.firstAccountLink());
  await picture('setup');
  await Authenticator.addTo(page);
  await page.getByRole('textbox', { name: 'Email' }).fill(user.email);
  await page.getByLabel('Password').fill('short');
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page.getByRole('alert')).toBeVisible();
  await picture('setup-password-too-short');
  await page.getByLabel('Password').fill(user.password);
  await page.getByRole('button', { name: 'Create account' }).click();
  await expectPage(page, 'account');
  await picture('account-without-passkey');
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expect(section(page, 'Passkeys').getByRole('listitem')).toHaveCount(1);
  await picture('account');
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expect(page.getByRole('alert')).toBeVisible();
  await picture('account-passkey-known');
  await signOut(page);
  await picture('login');

  const local = await McpClient.connect(server.mcp, callback.uri, 'Claude Code');
  const web = await McpClient.connect(server.mcp, webCallback.uri, 'Claude');
  const long = await McpClient.connect(server.mcp, callback.uri, 'The W'.repeat(40));
  await page.goto(web.authorizationUrl(webCallback.uri));
  await picture('login-for-an-application');
  await page.getByText("Can't sign in?").click();
  await picture('login-help');
  await signIn(page, { ...user, password: 'wrong' });
  await expect(page.getByRole('alert')).toBeVisible();
  await picture('login-wrong-password');
  await signIn(page, user);
  await expectPage(page, 'consent');
  await picture('consent-web');
  await page.goto(local.authorizationUrl(callback.uri));
  await picture('consent-this-computer');
  await page.goto(long.authorizationUrl(callback.uri));
  await picture('consent-long-name');

  await page.goto(await server.enrolmentLink('bob@example.com'));
  await picture('enroll');
  await page.goto(web.authorizationUrl(webCallback.uri, { client_id: 'unknown' }));
  await picture('problem-unknown-application');
  await page.getByText('Details for the application').click();
  await picture('problem-details');
  await page.goto(server.url('/no/such/page'));
  await picture('problem-not-found');
});

test('screenshots of document clients, step-up and errors', async ({
  page,
  startServer,
  callback,
  webCallback,
  publishDocument,
  complaints,
}) => {
  test.setTimeout(180_000);
  complaints.tolerate(/status of (4\d\d|503)/);
  const known = { client_name: 'Claude', redirect_uris: [webCallback.uri, callback.uri], token_endpoint_auth_method: 'none' };
  const document = await publishDocument(known);
  const server = await startServer({ settings: { SSL_CERT_FILE: document.certificateFile } });
  const client = await McpClient.discover(server.mcp);
  const ask = (id: string, redirectUri = webCallback.uri, changes: Record<string, string> = {}) =>
    page.goto(client.authorizationUrl(redirectUri, { client_id: id, ...changes }));

  await ask(document.url, webCallback.uri, { scope: 'notes:read' });
  await takePictures(page, 'login-for-a-document');
  await signIn(page, await server.user());
  await expectPage(page, 'consent');
  await takePictures(page, 'consent-document');
  await decide(page, 'Allow');
  await expect(page).toHaveURL(/\/callback\?code=/);
  await ask(document.url);
  await expectPage(page, 'consent');
  await takePictures(page, 'consent-step-up');
  await ask(document.url, callback.uri);
  await expectPage(page, 'consent');
  await takePictures(page, 'consent-document-this-computer');

  const registered = await McpClient.connect(server.mcp, webCallback.uri, 'Claude');
  const strict = await startServer({ settings: { VESTIBULE_CLIENT_DOCUMENTS: 'claude.ai' } });
  const refused = (await McpClient.discover(strict.mcp)).authorizationUrl(webCallback.uri, { client_id: document.url });
  const faults: Record<string, () => Promise<unknown>> = {
    'client-id-missing': () => ask(''),
    'callback-not-registered': () => ask(registered.clientId, 'https://elsewhere.example/callback'),
    'callback-missing': () => ask(registered.clientId, ''),
    'document-absent': () => ask(document.url.replace('client.json', 'absent.json')),
    'document-of-another': () => ask(document.also('another', { ...known, client_id: 'https://claude.example/client.json' })),
    'document-without-name': () => ask(document.also('nameless', { redirect_uris: known.redirect_uris })),
    'document-with-a-secret': () => ask(document.also('secret', { ...known, token_endpoint_auth_method: 'client_secret_basic' })),
    'document-not-https': () => ask('http://claude.example/client.json'),
    'document-of-a-private-network': () => ask('https://192.168.0.1/client.json'),
    'document-out-of-reach': () => ask('https://127.0.0.1:65535/client.json'),
    'document-without-common-method': () =>
      ask(document.also('certificates', { ...known, token_endpoint_auth_method: 'tls_client_auth' })),
    'document-of-a-host-not-allowed': () => page.goto(refused),
    'document-callback-not-listed': () => ask(document.url, 'https://elsewhere.example/callback'),
    'request-gone': () => page.goto(server.url(`/consent?request=${'A'.repeat(43)}`)),
    'link-used': () => page.goto(server.url(`/enroll/${'A'.repeat(43)}`)),
  };
  for (const [name, provoke] of Object.entries(faults)) {
    await provoke();
    await expectPage(page, 'problem');
    for (const details of await page.locator('summary').all()) await details.click();
    await takePictures(page, `problem-${name}`);
  }
});

for (const [name, open] of Object.entries(TOUR)) {
  test(`pictures of ${name}, as loaded and with every confirmation open`, async ({ page, startServer, callback, complaints }) => {
    complaints.tolerate(/status of 40[03]/);
    await open(page, await prepareCast(startServer, callback));
    const file = `tour-${name.replaceAll(' ', '-')}`;
    await takePictures(page, file);
    if (name === 'codes') await page.emulateMedia({ media: 'print' });
    if (name !== 'codes' && !(await page.locator('summary').count())) return;
    await openAllDetails(page);
    await takePictures(page, `${file}-${name === 'codes' ? 'on-paper' : 'unfolded'}`);
  });
}

for (const [name, open] of [
  ['sign-in', TOUR['sign-in']!],
  ['account', TOUR['account with everything']!],
  ['admin-accounts', TOUR['admin-accounts']!],
] as const) {
  test(`pictures of ${name} with forced colours`, async ({ page, startServer, callback }) => {
    await page.emulateMedia({ forcedColors: 'active' });
    await open(page, await prepareCast(startServer, callback));
    await openAllDetails(page);
    await takePictures(page, `tour-${name}-forced-colours`);
  });
}

/** The page in light and dark mode and in three widths. */
async function takePictures(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const width of [1280, 390, 320]) {
      await page.setViewportSize({ width, height: 800 });
      await page.screenshot({ path: `${FOLDER}${name}-${colorScheme}-${width}.png`, fullPage: true });
    }
  }
}
