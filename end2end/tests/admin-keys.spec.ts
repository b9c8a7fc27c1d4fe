import { McpClient, keyOf } from '../support/client.ts';
import { WAYS, openAdminPage, allow, expectPage, press, row, openDetails } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';

for (const { javaScriptEnabled, way } of WAYS) {
  test(`the signing key is rotated after a confirmation: old tokens stay valid, new ones have the new key, ${way}`, async ({
    anotherBrowser,
    startServer,
    callback,
  }) => {
    const server = await startServer();
    const administrator = await server.administrator();
    const client = await McpClient.connect(server.mcp, callback.uri);
    const before = await allow(await anotherBrowser(), client, callback, await server.user());
    const page = await anotherBrowser({ javaScriptEnabled });
    await openAdminPage(page, server, administrator, 'keys');
    const keys = page.getByRole('main');
    const old = keyOf(before.access_token);
    await expect(row(keys, old)).toContainText(/signs new tokens|has signed new tokens since .+/);
    await expect(keys.getByText('standby, already published and next to sign')).toBeVisible();
    await expect(page.getByText(server.url('/.well-known/paseto-keys'))).toBeVisible();

    await expect(page.getByRole('button', { name: 'Rotate signing key' })).toBeHidden();
    await openDetails(keys, 'Rotate');
    await expect(page.getByText('The standby key, which is already published, signs new tokens from now on. The current key stays valid for verification')).toBeVisible();
    await press(page, 'Rotate signing key');
    await expectPage(page, 'admin-keys');
    await expect(page.getByRole('status')).toHaveText('Signing key rotated.');
    await expect(keys.locator('.rows > li')).toHaveCount(3);
    await expect(row(keys, old)).toContainText(/retired, still valid for verification until \d+ \w+ \d{4}, \d\d:\d\d UTC/);

    const { body } = await client.refresh(before.refresh_token);
    const fresh = keyOf(String(body.access_token));
    expect(fresh).not.toBe(old);
    await expect(row(keys, fresh)).toContainText('has signed new tokens since just now');
    expect(await server.publishedKeys()).toMatchObject([{ kid: fresh, state: 'active' }, { kid: old, state: 'retiring' }, { state: 'active' }]);
    for (const token of [before.access_token, String(body.access_token)]) expect(await client.mcpStatus(token)).toBe(200);
  });
}
