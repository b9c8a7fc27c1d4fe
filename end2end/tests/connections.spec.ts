import { McpClient } from '../support/client.ts';
import {
  WAYS,
  allow,
  decide,
  expectAccessible,
  expectNoSidewaysScrolling,
  expectPage,
  openAccount,
  press,
  row as rowOf,
  section as sectionOf,
  openDetails,
} from '../support/pages.ts';
import type { Server } from '../support/server.ts';
import { expect, test } from '../support/test.ts';

for (const { javaScriptEnabled, way } of WAYS) {
  test(`a user disconnects an application, ${way}`, async ({
    anotherBrowser,
    server,
    user,
    callback,
    webCallback,
  }) => {
    const page = await anotherBrowser({ javaScriptEnabled });
    const local = await McpClient.connect(server.mcp, callback.uri, 'Claude Code');
    const web = await McpClient.connect(server.mcp, webCallback.uri, 'Web Client');
    const tokens = await allow(page, local, callback, user);
    expect((await local.me(tokens.access_token)).status).toBe(200);
    await page.goto(web.authorizationUrl(webCallback.uri, { scope: 'notes:read' }));
    await decide(page, 'Allow');
    await expect(page).toHaveURL(/\/callback\?code=/);
    const others = await web.exchange(webCallback.answer, webCallback.uri);

    await page.goto(server.url('/account'));
    await expectPage(page, 'account');
    const section = page.getByRole('region', { name: 'Connected applications' });
    const row = section.locator('.connection', { hasText: 'Claude Code' });
    await expect(section.locator('.connection')).toHaveCount(2);
    // Both may have been allowed in the same second, so their order is undefined.
    const groups = section.getByRole('heading', { level: 3 });
    expect((await groups.allTextContents()).sort()).toEqual([new URL(webCallback.uri).host, 'On your computers'].sort());
    await expect(row.locator('p').first()).toHaveText(
      /^Claude Code can use Notes · allowed just now · last used just now from (127\.0\.0\.1|::1)$/,
    );
    await expect(row.getByRole('listitem')).toHaveText(['See who you are and read your notes', 'Add notes for you']);

    const button = row.getByRole('button', { name: 'Disconnect Claude Code' });
    await expect(button).toBeHidden();
    await row.locator('summary', { hasText: 'Disconnect' }).click();
    await expect(row.getByText('Claude Code will have to ask you again before using Notes')).toBeVisible();
    await button.click();

    await expectPage(page, 'account');
    await expect(page).toHaveURL(server.url('/account'));
    await expect(page.getByRole('alert')).toHaveCount(0);
    await expect(page.getByRole('status')).toHaveText('Application disconnected. It has to ask you before it can connect again.');
    await expect(section.locator('.connection')).toHaveCount(1);
    await expect(section).toContainText('Web Client');
    await expect(row).toHaveCount(0);
    const refused = await local.refresh(tokens.refresh_token);
    expect({ status: refused.status, error: refused.body.error }).toEqual({ status: 400, error: 'invalid_grant' });
    expect((await local.me(tokens.access_token)).status).toBe(401);
    expect((await web.me(others.access_token)).status).toBe(200);
  });
}

test('connected applications: a text for none, accessible when open, complete at 320 pixels with a long name', async ({
  page,
  server,
  user,
  callback,
  anotherBrowser,
}) => {
  const client = await McpClient.connect(server.mcp, callback.uri, 'W'.repeat(80));
  await allow(page, client, callback, user);
  await page.setViewportSize({ width: 320, height: 640 });
  await page.goto(server.url('/account'));
  const summary = page.locator('.connection summary');
  expect((await summary.boundingBox())!.height).toBeGreaterThanOrEqual(44);
  await summary.click();
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await expectAccessible(page);
    await expectNoSidewaysScrolling(page);
  }
  await page.locator('.connection').getByRole('button').click();
  await expect(page.getByText('No connected applications.')).toBeVisible();

  const unknownPage = await anotherBrowser();
  await unknownPage.goto(server.url('/account'));
  await expectPage(unknownPage, 'login');
});

for (const { javaScriptEnabled, way } of WAYS) {
  test(`a user disconnects everything at once, on every server of the store, ${way}`, async ({
    anotherBrowser,
    redis,
    startServer,
    callback,
    webCallback,
  }) => {
    const settings = await redis.settings(startServer);
    const first = await startServer({ settings });
    const second = await startServer({ settings: { ...settings, VESTIBULE_ISSUER: first.issuer } });
    const user = await first.user();
    const page = await anotherBrowser({ javaScriptEnabled });
    const local = await McpClient.connect(first.mcp, callback.uri, 'Claude Code');
    const web = await McpClient.connect(first.mcp, webCallback.uri, 'Web Client');
    const here = await allow(page, local, callback, user);
    await page.goto(web.authorizationUrl(webCallback.uri));
    await decide(page, 'Allow');
    await expect(page).toHaveURL(/\/callback\?code=/);
    const there = await web.exchange(webCallback.answer, webCallback.uri);
    const status = async (server: Server, token: string) => {
      const headers = { authorization: `Bearer ${token}` };
      return (await fetch(`${server.origin}/api/me`, { headers })).status;
    };
    for (const token of [here.access_token, there.access_token]) expect(await status(second, token)).toBe(200);

    await page.goto(first.url('/account'));
    const section = sectionOf(page, 'Connected applications');
    await expect(section.getByRole('button', { name: 'Disconnect all' })).toBeHidden();
    await openDetails(section, 'Disconnect all');
    await expect(section.getByText('All connected applications will have to ask you again')).toBeVisible();
    await press(section, 'Disconnect all');

    for (const server of [second, first]) {
      for (const token of [here.access_token, there.access_token]) expect(await status(server, token)).toBe(401);
    }
    for (const [client, tokens] of [[local, here], [web, there]] as const) {
      const refused = await client.refresh(tokens.refresh_token, `${second.origin}/token`);
      expect({ status: refused.status, error: refused.body.error }).toEqual({ status: 400, error: 'invalid_grant' });
    }
    await expectPage(page, 'account');
    await expect(page.getByRole('status')).toHaveText('All applications disconnected. Each has to ask you before it can connect again.');
    await expect(section).toContainText('No connected applications.');
    await expect(section.locator('summary')).toHaveCount(0);
    await expect(sectionOf(page, 'Recent activity').getByRole('listitem').first()).toContainText('You disconnected all applications');
    await page.goto(web.authorizationUrl(webCallback.uri));
    await expectPage(page, 'consent');
  });
}

test('an application that is disconnected on one server is disconnected on the other at once', async ({ page, redis, startServer, callback }) => {
  const settings = await redis.settings(startServer);
  const first = await startServer({ settings });
  const second = await startServer({ settings: { ...settings, VESTIBULE_ISSUER: first.issuer } });
  const client = await McpClient.connect(first.mcp, callback.uri);
  const tokens = await allow(page, client, callback, await first.user());
  await page.goto(first.url('/account'));
  const connection = rowOf(sectionOf(page, 'Connected applications'), 'Test Client');
  await openDetails(connection, 'Disconnect');
  await press(connection, 'Disconnect Test Client');
  const headers = { authorization: `Bearer ${tokens.access_token}` };
  expect((await fetch(`${second.origin}/api/me`, { headers })).status).toBe(401);
  expect((await client.refresh(tokens.refresh_token, `${second.origin}/token`)).body.error).toBe('invalid_grant');
});

test('applications are grouped by redirect host: two with one name are separate, each with its last use', async ({
  page,
  server,
  user,
  callback,
  webCallback,
}) => {
  await openAccount(page, server, user);
  for (const { uri, own } of [{ uri: callback.uri, own: callback }, { uri: webCallback.uri, own: webCallback }]) {
    const client = await McpClient.connect(server.mcp, uri, 'Claude');
    await page.goto(client.authorizationUrl(uri));
    await decide(page, 'Allow');
    await expect(page).toHaveURL(/\/callback\?code=/);
    await client.exchange(own.answer, uri);
  }
  await page.goto(server.url('/account'));
  const groups = sectionOf(page, 'Connected applications').locator('.group');
  await expect(groups).toHaveCount(2);
  for (const heading of ['On your computers', new URL(webCallback.uri).host]) {
    const group = groups.filter({ has: page.getByRole('heading', { name: heading }) });
    await expect(group.locator('.connection')).toHaveText(/^Claude can use Notes · allowed just now · last used just now from /);
  }
});
