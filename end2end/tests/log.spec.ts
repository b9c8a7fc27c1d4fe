import { McpClient } from '../support/client.ts';
import { allow } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';

test('no secret of a whole flow is in the log, at any level', async ({ page, startServer, webCallback, complaints }) => {
  complaints.tolerate(/status of 400/);
  const server = await startServer({ settings: { RUST_LOG: 'trace' } });
  const user = await server.user();
  const added = await server.json<{ client_id: string; client_secret: string }>([
    ...['client', 'add', '--name', 'Payroll', '--redirect-uri', webCallback.uri, '--confidential'],
  ]);
  const client = await McpClient.discover(server.mcp);
  client.clientId = added.client_id;
  client.secret = added.client_secret;
  const tokens = await allow(page, client, webCallback, user);
  const { state, verifier } = client;
  const refreshed = await client.refresh(tokens.refresh_token);
  expect(refreshed.status).toBe(200);
  expect((await client.me(tokens.access_token)).status).toBe(200);
  expect(await client.mcpStatus(tokens.access_token)).toBe(200);
  expect((await client.refresh(`${tokens.refresh_token}x`)).status).toBe(400);
  await page.goto(client.authorizationUrl('https://elsewhere.example/callback'));

  // The sign-in method of the last sign-in is no secret.
  const cookies = (await page.context().cookies()).filter(({ name }) => name !== '__Host-vestibule-way');
  const secrets = [
    ...[webCallback.answer.get('code'), state, verifier, client.state, client.verifier, added.client_secret, user.email, user.password],
    ...[tokens.access_token, tokens.refresh_token, refreshed.body.access_token, refreshed.body.refresh_token],
    ...cookies.map(({ value }) => value),
  ];
  expect(secrets.length).toBeGreaterThanOrEqual(14);
  // Expected entries are logged.
  expect(server.output).toMatch(/TRACE/);
  expect(server.output).toContain('/token');
  expect(server.output).toContain(added.client_id);
  for (const secret of secrets) {
    expect(String(secret).length).toBeGreaterThan(10);
    expect(server.output).not.toContain(String(secret));
  }
  expect(server.output).not.toContain('elsewhere.example');
});
