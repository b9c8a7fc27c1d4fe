import { McpClient } from '../support/client.ts';
import { allow, decide, expectAccessible, expectNoSidewaysScrolling, expectPage } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';

for (const javaScriptEnabled of [true, false]) {
  test(`a person ends what they allowed, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async ({
    anotherBrowser,
    server,
    person,
    callback,
    webCallback,
  }) => {
    const page = await anotherBrowser({ javaScriptEnabled });
    const local = await McpClient.connect(server.mcp, callback.uri, 'Claude Code');
    const web = await McpClient.connect(server.mcp, webCallback.uri, 'Web Client');
    const tokens = await allow(page, local, callback, person);
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
    await expect(row.locator('p').first()).toContainText('Claude Code on this computer may use Notes · allowed just now');
    await expect(row.getByRole('listitem')).toHaveText(['See who you are and read your notes', 'Add notes for you']);

    const button = row.getByRole('button', { name: 'Disconnect Claude Code' });
    await expect(button).toBeHidden();
    await row.locator('summary', { hasText: 'Disconnect' }).click();
    await expect(row.getByText('Claude Code will have to ask you again before it can use Notes')).toBeVisible();
    await button.click();

    await expectPage(page, 'account');
    await expect(page).toHaveURL(server.url('/account'));
    await expect(page.getByRole('alert')).toHaveCount(0);
    await expect(section.locator('.connection')).toHaveCount(1);
    await expect(section).toContainText('Web Client');
    await expect(row).toHaveCount(0);
    const refused = await local.refresh(tokens.refresh_token);
    expect({ status: refused.status, error: refused.body.error }).toEqual({ status: 400, error: 'invalid_grant' });
    expect((await local.me(tokens.access_token)).status).toBe(401);
    expect((await web.me(others.access_token)).status).toBe(200);
  });
}

test('connected applications: words for none, accessible when open, whole at 320 pixels with a long name', async ({
  page,
  server,
  person,
  callback,
  anotherBrowser,
}) => {
  const client = await McpClient.connect(server.mcp, callback.uri, 'W'.repeat(80));
  await allow(page, client, callback, person);
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
  await expect(page.getByText('None yet. When an application asks')).toBeVisible();

  const stranger = await anotherBrowser();
  await stranger.goto(server.url('/account'));
  await expectPage(stranger, 'login');
});
