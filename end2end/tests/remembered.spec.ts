import { McpClient } from '../support/client.ts';
import { allow, decide, expectAccessible, expectNoSidewaysScrolling, expectPage, section, signIn } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';

for (const javaScriptEnabled of [true, false]) {
  test(`what was allowed a web application passes without a page until it is taken back, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async ({
    anotherBrowser,
    server,
    person,
    webCallback,
  }) => {
    const page = await anotherBrowser({ javaScriptEnabled });
    const client = await McpClient.connect(server.mcp, webCallback.uri, 'Web Client');
    await allow(page, client, webCallback, person);
    await page.goto(client.authorizationUrl(webCallback.uri));
    await expect(page.getByRole('heading', { name: 'Back in the application' })).toBeVisible();
    const tokens = await client.exchange(webCallback.answers[1]!, webCallback.uri);
    expect((await client.me(tokens.access_token)).status).toBe(200);

    await page.goto(server.url('/account'));
    const row = page.locator('.connection', { hasText: 'Web Client' });
    await expect(row).toContainText('connected 2 times');
    await row.locator('summary').click();
    await row.getByRole('button', { name: 'Disconnect Web Client' }).click();
    await expect(row).toHaveCount(0);
    expect((await client.me(tokens.access_token)).status).toBe(401);
    await page.goto(client.authorizationUrl(webCallback.uri));
    await expectPage(page, 'consent');
  });
}

test('an application on this computer asks every time', async ({ page, person, client, callback }) => {
  await allow(page, client, callback, person);
  await page.goto(client.authorizationUrl(callback.uri));
  await expectPage(page, 'consent');
});

test('a step-up marks what is new, accessible and whole at 320 pixels', async ({ page, person, client, callback }) => {
  await page.goto(client.authorizationUrl(callback.uri, { scope: 'notes:read' }));
  await signIn(page, person);
  await decide(page, 'Allow');
  await expect(page).toHaveURL(/\/callback\?code=/);
  await page.goto(client.authorizationUrl(callback.uri));
  await expectPage(page, 'consent');
  await expect(page.locator('.permissions').getByRole('listitem')).toHaveText([
    'See who you are and read your notes',
    'New Add notes for you',
  ]);
  await expect(page.getByText('You have allowed this application before.')).toBeVisible();
  await page.setViewportSize({ width: 320, height: 640 });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await expectAccessible(page);
    await expectNoSidewaysScrolling(page);
  }
});

test('a new sign-in is asked of whoever is signed in, and the old one stays until it is given', async ({ page, server, person, client, callback }) => {
  await page.goto(server.url('/login'));
  await signIn(page, person);
  await expectPage(page, 'account');
  await page.goto(client.authorizationUrl(callback.uri, { prompt: 'login' }));
  await expectPage(page, 'login');
  await expect(page.getByText('The application asks that you sign in again.')).toBeVisible();
  await expectAccessible(page);
  const asked = page.url();
  await page.goto(server.url('/account'));
  await expectPage(page, 'account');
  await page.goto(asked.replace('/login', '/consent'));
  await expectPage(page, 'login');
  await signIn(page, person);
  await decide(page, 'Allow');
  await expect(page).toHaveURL(/\/callback\?code=/);
});

test('a person reads that an old copy of a key was used, accessible and whole at 320 pixels', async ({ page, server, person, webCallback }) => {
  const client = await McpClient.connect(server.mcp, webCallback.uri, 'W'.repeat(80));
  await allow(page, client, webCallback, person);
  const again = await client.token({
    grant_type: 'authorization_code',
    code: webCallback.answer.get('code') ?? '',
    redirect_uri: webCallback.uri,
    code_verifier: client.verifier,
  });
  expect(again.status).toBe(400);

  await page.goto(server.url('/account'));
  const row = section(page, 'Connected applications').locator('.caution');
  await expect(row).toContainText('because an old copy of its key was used');
  await expect(row).toContainText(new URL(webCallback.uri).host);
  await expect(page.getByText('None yet. When an application asks')).toBeVisible();
  await page.setViewportSize({ width: 320, height: 640 });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await expectAccessible(page);
    await expectNoSidewaysScrolling(page);
  }
});
