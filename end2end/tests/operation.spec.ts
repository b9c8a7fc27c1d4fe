import { join } from 'node:path';
import { McpClient, keyOf } from '../support/client.ts';
import { Callback } from '../support/callback.ts';
import { allow, decide, expectPage, signIn } from '../support/pages.ts';
import { Redis } from '../support/redis.ts';
import type { Key } from '../support/server.ts';
import { expect, test } from '../support/test.ts';

test('"account disable" ends the session, the refresh token and the access at once', async ({ page, server, user, client, callback }) => {
  const tokens = await allow(page, client, callback, user);
  expect((await client.me(tokens.access_token)).status).toBe(200);
  await page.goto(server.url('/account'));
  await expectPage(page, 'account');

  await server.json(['account', 'disable', user.email]);

  await page.reload();
  await expectPage(page, 'login');
  expect((await client.me(tokens.access_token)).status).toBe(401);
  const refused = await client.refresh(tokens.refresh_token);
  expect({ status: refused.status, error: refused.body.error }).toEqual({ status: 400, error: 'invalid_grant' });

  await test.step('enabled again, what it had allowed stays ended', async () => {
    await server.json(['account', 'enable', user.email]);
    expect((await client.refresh(tokens.refresh_token)).body.error).toBe('invalid_grant');
    await page.reload();
    await expectPage(page, 'login');
  });
});

test('"account remove" ends everything too, and the address can be used again', async ({ page, server, user, client, callback }) => {
  const tokens = await allow(page, client, callback, user);
  await server.json(['account', 'remove', user.email]);
  await page.goto(server.url('/account'));
  await expectPage(page, 'login');
  expect((await client.me(tokens.access_token)).status).toBe(401);
  expect((await client.refresh(tokens.refresh_token)).body.error).toBe('invalid_grant');
  await expect(server.enrolmentLink(user.email)).resolves.toContain('/enroll/');
});

test('"key rotate": old tokens stay valid, new ones are signed by the new key', async ({ page, startServer, callback }) => {
  const server = await startServer();
  const client = await McpClient.connect(server.mcp, callback.uri);
  const before = await allow(page, client, callback, await server.user());
  const [oldKey] = await server.publishedKeys();
  expect(keyOf(before.access_token)).toBe(oldKey?.kid);

  const rotated = await server.json<Key[]>(['key', 'rotate']);
  expect(rotated.map(({ state }) => state)).toEqual(['active', 'retiring', 'standby']);
  await expect.poll(async () => (await server.publishedKeys()).map(({ kid }) => kid)).toEqual(rotated.map(({ kid }) => kid));

  expect(await client.mcpStatus(before.access_token)).toBe(200);
  const { body } = await client.refresh(before.refresh_token);
  expect(keyOf(String(body.access_token))).toBe(rotated[0]?.kid);
  expect(keyOf(String(body.access_token))).not.toBe(oldKey?.kid);
  expect(await client.mcpStatus(String(body.access_token))).toBe(200);
  expect((await client.me(before.access_token)).status).toBe(200);
});

test('a client that an administrator added is shown as such, and authenticates with its secret', async ({ page, server, user, webCallback }) => {
  const added = await server.json<{ client_id: string; client_secret: string }>([
    ...['client', 'add', '--name', 'Payroll', '--redirect-uri', webCallback.uri, '--confidential'],
  ]);
  const client = await McpClient.discover(server.mcp);
  client.clientId = added.client_id;
  await page.goto(client.authorizationUrl(webCallback.uri));
  await signIn(page, user);
  await expectPage(page, 'consent');
  await expect(page.getByText('Added by your administrator.')).toBeVisible();
  await decide(page, 'Allow');
  await expect(page).toHaveURL(/\/callback\?code=/);

  const code = { grant_type: 'authorization_code', code: webCallback.answer.get('code') ?? '', redirect_uri: webCallback.uri };
  const without = await client.token({ ...code, code_verifier: client.verifier });
  expect({ status: without.status, error: without.body.error }).toEqual({ status: 401, error: 'invalid_client' });
  const proved = await client.token({ ...code, code_verifier: client.verifier, client_secret: added.client_secret });
  expect(proved.status).toBe(200);
});

for (const engine of ['the embedded file', 'Redis'] as const) {
  test(`killed and started again on ${engine}: account, session, registration and refresh token are still there`, async ({
    page,
    startServer,
    callback,
  }) => {
    const redis = engine === 'Redis' ? await Redis.start() : undefined;
    try {
      const settings = redis ? await redis.settings(startServer) : {};
      const server = await startServer({ settings });
      const client = await McpClient.connect(server.mcp, callback.uri);
      const user = await server.user();
      const tokens = await allow(page, client, callback, user);

      await server.kill();
      await server.restart();

      await page.goto(server.url('/account'));
      await expectPage(page, 'account');
      await expect(page.getByText(user.email)).toBeVisible();
      expect((await client.me(tokens.access_token)).status).toBe(200);
      const refreshed = await client.refresh(tokens.refresh_token);
      expect(refreshed.status).toBe(200);
      expect(refreshed.body.refresh_token).not.toBe(tokens.refresh_token);

      const second = await Callback.onThisComputer();
      await page.goto(client.authorizationUrl(second.uri));
      await expectPage(page, 'consent');
      await second.stop();
    } finally {
      await redis?.stop();
    }
  });
}

test('a backup of the running server is restored into Redis, where the refresh token of a client still works', async ({
  page,
  redis,
  startServer,
  callback,
  folder,
}) => {
  const first = await startServer();
  const client = await McpClient.connect(first.mcp, callback.uri);
  const user = await first.user();
  const tokens = await allow(page, client, callback, user);
  const backup = join(folder, 'backup');
  await first.json(['backup', backup]);
  await first.kill();

  await first.json(['restore', backup, '--store', redis.url, '--sealing-key', first.sealingKey]);
  const settings = { VESTIBULE_STORE: redis.url, VESTIBULE_SEALING_KEY: first.sealingKey, VESTIBULE_ISSUER: first.issuer };
  const second = await startServer({ settings });
  const refreshed = await client.refresh(tokens.refresh_token, `${second.origin}/token`);
  expect(refreshed.status).toBe(200);
  const again = await client.refresh(String(refreshed.body.refresh_token), `${second.origin}/token`);
  expect(again.status).toBe(200);
  expect((await second.accounts()).map(({ email }) => email)).toContain(user.email);
});

test('two processes over one Redis accept one use', async ({ page, redis, startServer, callback }) => {
  const settings = await redis.settings(startServer);
  const first = await startServer({ settings });
  const second = await startServer({ settings: { ...settings, VESTIBULE_ISSUER: first.issuer } });
  const endpoints = Array.from({ length: 16 }, (_, browser) => `${(browser % 2 ? first : second).origin}/token`);
  const client = await McpClient.connect(first.mcp, callback.uri);
  const user = await first.user();
  const me = (process: typeof first, token: string) =>
    fetch(`${process.origin}/api/me`, { headers: { authorization: `Bearer ${token}` } }).then(({ status }) => status);

  await test.step('a code is redeemed once, and the race ends what it bought', async () => {
    await page.goto(client.authorizationUrl(callback.uri));
    await signIn(page, user);
    await decide(page, 'Allow');
    await expect(page).toHaveURL(/\/callback\?code=/);
    const form = { grant_type: 'authorization_code', code: callback.answer.get('code') ?? '', code_verifier: client.verifier };
    const answers = await Promise.all(endpoints.map((at) => client.token(form, at)));
    const bought = answers.filter(({ status }) => status === 200).map(({ body }) => String(body.access_token));
    expect(bought).toHaveLength(1);
    for (const process of [first, second]) expect(await me(process, bought[0]!)).toBe(401);
  });

  await test.step('a refresh token has one successor', async () => {
    await page.goto(client.authorizationUrl(callback.uri));
    await decide(page, 'Allow');
    await expect.poll(() => callback.answers.length).toBe(2);
    const tokens = await client.exchange(callback.answers.at(-1)!, callback.uri);
    const answers = await Promise.all(endpoints.map((at) => client.refresh(tokens.refresh_token, at)));
    expect(answers.map(({ status }) => status)).toEqual(Array(16).fill(200));
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1);

    await first.json(['account', 'disable', user.email]);
    expect(await me(second, String(answers[0]?.body.access_token))).toBe(401);
  });
});
