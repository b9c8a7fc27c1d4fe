import { McpClient } from '../support/client.ts';
import { allow, decide, expectAccessible, expectNoSidewaysScrolling, expectPage, section, signIn } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';

for (const javaScriptEnabled of [true, false]) {
  test(`a consent for a web application skips the page until it is withdrawn, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async ({
    anotherBrowser,
    server,
    user,
    webCallback,
  }) => {
    const page = await anotherBrowser({ javaScriptEnabled });
    const client = await McpClient.connect(server.mcp, webCallback.uri, 'Web Client');
    await allow(page, client, webCallback, user);
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

test('a loopback application shows the page every time', async ({ page, user, client, callback }) => {
  await allow(page, client, callback, user);
  await page.goto(client.authorizationUrl(callback.uri));
  await expectPage(page, 'consent');
});

test('a step-up marks new scopes, accessible and complete at 320 pixels', async ({ page, user, client, callback }) => {
  await page.goto(client.authorizationUrl(callback.uri, { scope: 'notes:read' }));
  await signIn(page, user);
  await decide(page, 'Allow');
  await expect(page).toHaveURL(/\/callback\?code=/);
  await page.goto(client.authorizationUrl(callback.uri));
  await expectPage(page, 'consent');
  await expect(page.locator('.permissions').getByRole('listitem')).toHaveText([
    'See who you are and read your notes',
    'New Add notes for you',
  ]);
  await expect(page.getByText('You already allowed the rest.')).toBeVisible();
  await page.setViewportSize({ width: 320, height: 640 });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await expectAccessible(page);
    await expectNoSidewaysScrolling(page);
  }
});

test('a required new sign-in keeps the old session until it is completed', async ({ page, server, user, client, callback }) => {
  await page.goto(server.url('/login'));
  await signIn(page, user);
  await expectPage(page, 'account');
  await page.goto(client.authorizationUrl(callback.uri, { prompt: 'login' }));
  await expectPage(page, 'login');
  await expect(page.getByText('The application asks you to sign in again.')).toBeVisible();
  await expectAccessible(page);
  const asked = page.url();
  await page.goto(server.url('/account'));
  await expectPage(page, 'account');
  await page.goto(asked.replace('/login', '/consent'));
  await expectPage(page, 'login');
  await signIn(page, user);
  await decide(page, 'Allow');
  await expect(page).toHaveURL(/\/callback\?code=/);
});

test('the notice of a replay is accessible and complete at 320 pixels', async ({ page, server, user, webCallback }) => {
  const client = await McpClient.connect(server.mcp, webCallback.uri, 'W'.repeat(80));
  await allow(page, client, webCallback, user);
  const again = await client.token({
    grant_type: 'authorization_code',
    code: webCallback.answer.get('code') ?? '',
    redirect_uri: webCallback.uri,
    code_verifier: client.verifier,
  });
  expect(again.status).toBe(400);

  await page.goto(server.url('/account'));
  const row = section(page, 'Connected applications').locator('.caution');
  await expect(row).toContainText('because a one-time key for it was used twice');
  await expect(row).toContainText(new URL(webCallback.uri).host);
  await expect(page.getByText('No connected applications.')).toBeVisible();
  await page.setViewportSize({ width: 320, height: 640 });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await expectAccessible(page);
    await expectNoSidewaysScrolling(page);
  }
});
