import { McpClient } from '../support/client.ts';
import { WAYS, openAdminPage, decide, expectAccessible, expectPage, row, signIn, openDetails } from '../support/pages.ts';
import type { Callback } from '../support/callback.ts';
import { expect, test } from '../support/test.ts';

/** Provokes failures at the endpoints for applications; returns their texts on the page. */
async function provoke(client: McpClient, callback: Callback): Promise<Record<string, string>> {
  const ask = (changes: Record<string, string>) => fetch(client.authorizationUrl(callback.uri, changes), { redirect: 'manual' });
  await ask({ client_id: 'vc_long-gone' });
  await ask({ client_id: 'vc_long-gone' });
  await ask({ redirect_uri: 'https://evil.example/callback' });
  await ask({ scope: 'no-such-scope' });
  await ask({ resource: 'https://elsewhere.example/mcp' });
  await ask({ code_challenge_method: 'plain' });
  await client.refresh('vrt_made-up');
  await client.register({ client_name: 'Careless', redirect_uris: ['http://evil.example/callback'] });
  return {
    'vc_long-gone is not registered here, or its registration has expired.': 'What the user can do: remove the MCP server from the application',
    'Test Client requested a redirect URI that is not registered for it.': 'character for character',
    'Test Client requested scopes that do not exist.': 'add it to the resource in the configuration',
    'Test Client requested a resource that is not configured.': 'if the resource is yours',
    'Test Client sent an incomplete or malformed request.': 'Every request needs PKCE with S256.',
    'Test Client sent a refresh token that is unknown, expired or revoked.': 'What the user can do: connect again.',
    'The registration of Careless was refused.': 'correct the member that the details name',
  };
}

for (const { javaScriptEnabled, way } of WAYS) {
  test(`a failed request is listed with its reason, its fix, its count and its source, ${way}`, async ({ anotherBrowser, startServer, callback }) => {
    const server = await startServer();
    const administrator = await server.administrator();
    const page = await anotherBrowser({ javaScriptEnabled });
    await openAdminPage(page, server, administrator, 'failures');
    await expect(page.getByRole('main')).toContainText('No failed requests in the last seven days. When an application cannot connect, the reason and what you can do will appear here.');

    const client = await McpClient.connect(server.mcp, callback.uri);
    const expected = await provoke(client, callback);
    await page.reload();
    const main = page.getByRole('main');
    for (const [what, fix] of Object.entries(expected)) {
      await expect(row(main, what)).toContainText(fix);
      await expect(row(main, what)).toContainText(/last just now( · first just now)? · from (127\.0\.0\.1|::1) · (at|during|on) /);
    }
    await expect(main.locator('.rows > li')).toHaveCount(Object.keys(expected).length);
    await expect(row(main, 'vc_long-gone')).toContainText('twice · last just now');
    await expect(row(main, 'requested a redirect URI')).toContainText('once · last just now');
    await expect(row(main, 'requested a redirect URI')).toContainText('at the authorization endpoint');
    await expect(row(main, 'sent a refresh token')).toContainText('at the token endpoint');
    await expect(row(main, 'requested a redirect URI')).toContainText('https://evil.example/callback');
    await expect(row(main, 'requested a redirect URI')).toContainText(callback.uri);

    const unknown = row(main, 'vc_long-gone');
    await expect(unknown.getByText('invalid_client')).toBeHidden();
    await openDetails(unknown, 'Details for the developer');
    await expect(unknown.getByText('invalid_client')).toBeVisible();
    if (javaScriptEnabled) await expectAccessible(page);
  });
}

test('a code with a wrong verifier and a code that is used twice are distinguished', async ({ page, startServer, callback, anotherBrowser }) => {
  const server = await startServer();
  const administrator = await server.administrator();
  const client = await McpClient.connect(server.mcp, callback.uri);
  const theirs = await anotherBrowser();
  await theirs.goto(client.authorizationUrl(callback.uri));
  await signIn(theirs, await server.user());
  await decide(theirs, 'Allow');
  await expect(theirs).toHaveURL(/\/callback\?code=/);
  const code = { grant_type: 'authorization_code', code: callback.answer.get('code') ?? '', redirect_uri: callback.uri };
  expect((await client.token({ ...code, code_verifier: 'x'.repeat(43) })).body.error).toBe('invalid_grant');
  await theirs.goto(client.authorizationUrl(callback.uri));
  await decide(theirs, 'Allow');
  await expect.poll(() => callback.answers.length).toBe(2);
  await client.exchange(callback.answers[1]!, callback.uri);
  await expect(client.exchange(callback.answers[1]!, callback.uri)).rejects.toThrow(/invalid_grant/);

  await openAdminPage(page, server, administrator, 'failures');
  const main = page.getByRole('main');
  await expect(row(main, 'sent a code verifier that does not match its request')).toContainText('send the code verifier that belongs to the code challenge');
  await expect(row(main, 'used a one-time code or an old refresh token again')).toContainText('someone may have a copy');
});

test('hostile application names are harmless there, and a denial is no failure', async ({ page, startServer, callback, anotherBrowser }) => {
  const server = await startServer();
  const administrator = await server.administrator();
  const client = await McpClient.connect(server.mcp, callback.uri);
  const hostile = '"><script>alert(1)</script><img src=x onerror=alert(2)>';
  await fetch(client.authorizationUrl(callback.uri, { client_id: hostile }), { redirect: 'manual' });
  const theirs = await anotherBrowser();
  await theirs.goto(client.authorizationUrl(callback.uri));
  await signIn(theirs, await server.user());
  await decide(theirs, 'Deny');
  await expect(theirs).toHaveURL(/error=access_denied/);
  await openAdminPage(page, server, administrator, 'failures');
  await expectPage(page, 'admin-failures');
  const rows = page.locator('.rows > li');
  await expect(rows).toHaveCount(1);
  await expect(rows).toContainText('<script>alert(1)</script>');
  await expect(page.locator('main script, main img')).toHaveCount(0);
});
