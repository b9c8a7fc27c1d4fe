import type { Page } from '@playwright/test';
import { McpClient } from '../support/client.ts';
import { expectPage, signIn } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';

/** Opens a URL that must be answered locally with 400 and without a redirect. */
async function expectErrorPage(page: Page, address: string): Promise<void> {
  const response = await page.goto(address);
  expect(response?.status()).toBe(400);
  expect(response?.headers()).not.toHaveProperty('location');
  expect(new URL(page.url()).pathname).toBe('/authorize');
  await expectPage(page, 'problem');
}

test.beforeEach(({ complaints }) => complaints.tolerate(/status of 4\d\d/));

test('an unknown application gets an error page, and never a redirect', async ({ page, client, callback }) => {
  await expectErrorPage(page, client.authorizationUrl(callback.uri, { client_id: 'no-such-client' }));
  await expect(page.getByRole('heading')).toHaveText("This application isn't registered with this server.");
  await page.getByText('Details for the application').click();
  await expect(page.getByText('invalid_client')).toBeVisible();
  expect(callback.answers).toEqual([]);
});

for (const [what, change] of [
  ['at another path', (uri: string) => uri.replace('/callback', '/callback/evil')],
  ['with a query added', (uri: string) => `${uri}?next=evil`],
  ['of another host', (uri: string) => uri.replace('127.0.0.1', 'client.example')],
  ['of localhost instead of 127.0.0.1', (uri: string) => uri.replace('127.0.0.1', 'localhost')],
  ['with user information', (uri: string) => uri.replace('http://', 'http://evil@')],
] as const) {
  test(`a callback ${what} that was never registered gets an error page, and no redirect`, async ({ page, client, callback }) => {
    await expectErrorPage(page, client.authorizationUrl(change(callback.uri)));
    await expect(page.getByRole('heading')).toHaveText(/an unregistered address/);
    expect(callback.answers).toEqual([]);
  });
}

test('a later error is redirected to the application, with state and iss', async ({ page, server, client, callback }) => {
  await page.goto(client.authorizationUrl(callback.uri, { code_challenge_method: 'plain' }));
  await expect(page.getByRole('heading', { name: 'Back in the application' })).toBeVisible();
  expect(callback.answer.get('error')).toBe('invalid_request');
  expect(callback.answer.get('state')).toBe(client.state);
  expect(callback.answer.get('iss')).toBe(server.issuer);
});

test('unknown requests and unknown paths get error pages', async ({ page, server, user }) => {
  expect((await page.goto(server.url('/login?request=nothing')))?.status()).toBe(400);
  await expectPage(page, 'problem');
  expect((await page.goto(server.url('/no/such/page')))?.status()).toBe(404);
  await expectPage(page, 'problem');
  await page.getByRole('link', { name: 'Go to your account' }).click();
  await expectPage(page, 'login');
  await page.goto(server.url('/login'));
  await signIn(page, user);
  await expectPage(page, 'account');
  expect((await page.goto(server.url('/consent?request=nothing')))?.status()).toBe(400);
  await expectPage(page, 'problem');
});

test('an unknown one-time link gets an error page', async ({ page, server }) => {
  for (const kind of ['setup', 'enroll', 'reset']) {
    expect((await page.goto(server.url(`/${kind}/${'x'.repeat(43)}`)))?.status()).toBe(410);
    await expectPage(page, 'problem');
    await expect(page.getByRole('link', { name: 'Go to your account' })).toBeVisible();
    await expect(page.getByText('Details for support')).toBeVisible();
  }
});

test.describe('hostile names', () => {
  for (const [what, name, shown] of [
    ['markup', '<script>alert(1)</script><img src=x onerror=alert(2)>', '<script>alert(1)</script><img src=x onerror=alert(2)>'],
    ['direction-changing characters', 'Cl\u202eedua\u202c\u2066de\u2069', 'Cleduade'],
    ['nothing but invisible characters', '\u200b\u200b\u3164', 'An application'],
    ['stacked marks and line breaks', `Z${'\u0301'.repeat(40)}\n\n\nbank`, 'Z\u0301\u0301 bank'],
    ['the longest name there may be', 'W'.repeat(200), `${'W'.repeat(60)}…`],
  ] as const) {
    test(`${what}: shown harmlessly on sign-in and consent`, async ({ page, server, user, callback }) => {
      const client = await McpClient.connect(server.mcp, callback.uri, name);
      await page.setViewportSize({ width: 320, height: 640 });
      await page.goto(client.authorizationUrl(callback.uri));
      await expect(page.locator('.lead bdi').first()).toHaveText(shown === 'An application' ? 'an application' : shown);
      await signIn(page, user);
      await expectPage(page, 'consent');
      await expect(page.getByRole('heading', { level: 1 })).toHaveText(`${shown} wants to use Notes`);
      await expect(page.locator('main script, main img')).toHaveCount(0);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
    });
  }

  test('a name of 10 kB is shortened at registration', async ({ server, callback }) => {
    const client = await McpClient.discover(server.mcp);
    const { status, body } = await client.register({ client_name: 'W'.repeat(10_240), redirect_uris: [callback.uri] });
    expect({ status, name: body.client_name }).toEqual({ status: 201, name: 'W'.repeat(200) });
  });
});
