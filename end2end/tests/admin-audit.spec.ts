import { readFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { McpClient, type Tokens } from '../support/client.ts';
import { WAYS, openAdminPage, allow, expectPage, openAccount, press, section, submitPassword, openDetails } from '../support/pages.ts';
import type { Options, User, Server } from '../support/server.ts';
import { expect, test } from '../support/test.ts';
import type { Callback } from '../support/callback.ts';

/** An exported event. */
interface Recorded {
  number: number;
  deed: string;
  whose?: { email: string };
  client?: { id: string; name: string };
}

interface Story {
  server: Server;
  administrator: User;
  user: User;
  client: McpClient;
  tokens: Tokens;
  codes: string[];
}

/** A server with events of every kind. */
async function createEvents(page: Page, startServer: (options: Options) => Promise<Server>, callback: Callback): Promise<Story> {
  const server = await startServer({ settings: { VESTIBULE_REFRESH_REPLAY_WINDOW: '0s' } });
  const [administrator, user] = [await server.administrator(), await server.user()];
  const client = await McpClient.connect(server.mcp, callback.uri, 'Claude Code');
  await page.goto(server.url('/login'));
  await submitPassword(page, { ...user, password: 'guessed in vain' });
  const tokens = await allow(page, client, callback, user);
  await client.refresh(tokens.refresh_token);
  await client.refresh(tokens.refresh_token);
  await page.goto(server.url('/account'));
  await openDetails(section(page, 'Recovery codes'), 'Create recovery codes');
  await press(section(page, 'Recovery codes'), 'Create recovery codes');
  const codes = await page.locator('ol.codes code').allTextContents();
  await server.command(['client', 'block', 'evil.example']);
  return { server, administrator, user, client, tokens, codes };
}

/** The exported lines. */
function read(lines: string): Recorded[] {
  return lines.trimEnd().split('\n').map((line) => JSON.parse(line) as Recorded);
}

/** Follows the link "Export"; returns the file. */
async function exported(page: Page): Promise<string> {
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Export' }).click();
  const file = await download;
  expect(file.suggestedFilename()).toBe('audit.jsonl');
  return readFile(await file.path(), 'utf8');
}

for (const { javaScriptEnabled, way } of WAYS) {
  test(`the audit log is read, filtered and exported, and matches the command line, ${way}`, async ({ page: theirs, anotherBrowser, startServer, callback }) => {
    const { server, administrator, user } = await createEvents(theirs, startServer, callback);
    const page = await anotherBrowser({ javaScriptEnabled });
    await openAdminPage(page, server, administrator, 'audit');
    const events = page.getByRole('main').locator('ol').getByRole('listitem');
    const all = await events.allInnerTexts();
    for (const words of [
      `${administrator.email} signed in with a password.`,
      'The command line blocked the host evil.example.',
      `${user.email} created recovery codes.`,
      `An old refresh token of Claude Code for ${user.email} at ${server.mcp} was used again. The connection was ended.`,
      `${user.email} allowed Claude Code to use ${server.mcp}.`,
      `A sign-in attempt for ${user.email} failed.`,
      `The command line changed the role of ${administrator.email} to administrator.`,
    ]) {
      expect(all.some((told) => told.startsWith(words)), `"${words}" in\n${all.join('\n')}`).toBe(true);
    }
    expect(all.findIndex((told) => told.includes('created recovery codes'))).toBeLessThan(all.findIndex((told) => told.includes(' allowed ')));
    await expect(events.filter({ has: page.locator('.caution') })).toHaveText(/^An old refresh token/);
    await expect(events.first()).toContainText(/just now · (127\.0\.0\.1|::1) · Chrome on Linux/);

    await test.step('by kind', async () => {
      await page.getByLabel('Event type').selectOption({ label: 'Sign-ins and sign-outs' });
      await press(page, 'Apply');
      await expect(events).toHaveText([/signed in/, /signed in/, /A sign-in attempt/]);
      await expect(page.getByLabel('Event type')).toHaveValue('sign_ins');
    });

    await test.step('and by whom, of which the export is the same', async () => {
      await page.getByLabel('Account or application').fill(user.email.toUpperCase());
      await press(page, 'Apply');
      await expect(events).toHaveText([/signed in/, /A sign-in attempt/]);
      const some = read(await exported(page));
      expect(some.map(({ deed }) => deed)).toEqual(['sign_in_refused', 'signed_in_with_password']);
      expect(some.every(({ whose }) => whose?.email === user.email)).toBe(true);
      const printed = await server.command(['audit', 'export', '--kind', 'sign_ins', '--who', user.email]);
      expect(read(printed.stdout)).toEqual(some);
    });

    await test.step('by an application, and by nothing that is there', async () => {
      await page.goto(server.url('/admin/audit?who=claude+code'));
      await expect(events).toHaveText([/old refresh token of Claude Code/, /allowed Claude Code/]);
      await page.goto(server.url('/admin/audit?who=nobody+at+all'));
      await expect(page.getByText('No matching events.')).toBeVisible();
    });

    await test.step('the whole export is what the command line exports, in order', async () => {
      await page.goto(server.url('/admin/audit'));
      const lines = await exported(page);
      expect(read(lines).map(({ number }) => number)).toEqual(read(lines).map((_, index) => index + 1));
      expect((await server.command(['audit', 'export'])).stdout).toBe(lines);
      await expectPage(page, 'admin-audit');
    });
  });
}

test('"audit verify" succeeds, and "audit list" shows the newest first', async ({ page, startServer, callback }) => {
  const { server } = await createEvents(page, startServer, callback);
  const verified = await server.command(['audit', 'verify']);
  expect(verified.code).toBe(0);
  expect(verified.stdout).toMatch(/^Checked \d+ events \(1 to \d+\): no problems found\.$/m);
  const report = await server.json<{ events: number; faults: string[] }>(['audit', 'verify']);
  const listed = await server.json<Recorded[] | { events: Recorded[] }>(['audit', 'list', '--limit', '3']);
  const events = Array.isArray(listed) ? listed : listed.events;
  expect(report.faults).toEqual([]);
  expect(events.map(({ number }) => number)).toEqual([report.events, report.events - 1, report.events - 2]);
  expect(events[0]).toMatchObject({ deed: 'host_blocked', about: 'evil.example' });
  expect((await server.command(['audit', 'list'])).stdout).toMatch(/^NUMBER\s+TIME\s+EVENT\s+ACCOUNT\s+BY\s+FROM\s+DETAILS/);
});

test('the audit log contains no secret', async ({ page, startServer, callback }) => {
  const { server, user, client, tokens, codes } = await createEvents(page, startServer, callback);
  const link = await server.resetLink(user.email);
  const { stdout } = await server.command(['audit', 'export']);
  expect(read(stdout).map(({ deed }) => deed)).toContain('reset_link_made');
  const cookies = (await page.context().cookies()).filter(({ name }) => name !== '__Host-vestibule-way');
  const secrets = [
    ...[user.password, 'guessed in vain', callback.answer.get('code'), client.verifier, client.state, link.split('/').at(-1)],
    ...[tokens.access_token, tokens.refresh_token, ...codes, ...cookies.map(({ value }) => value)],
  ];
  expect(secrets.length).toBeGreaterThanOrEqual(20);
  for (const secret of secrets) {
    expect(String(secret).length).toBeGreaterThan(10);
    expect(stdout).not.toContain(String(secret));
  }
});

test('many events are on several pages, from the newest to the oldest', async ({ page, startServer }) => {
  const server = await startServer();
  const administrator = await server.administrator();
  for (let number = 0; number < 60; number += 1) await server.enrolmentLink(`person.${number}@example.com`);
  await openAdminPage(page, server, administrator, 'audit');
  const events = page.getByRole('main').locator('ol').getByRole('listitem');
  await expect(events).toHaveCount(50);
  await expect(page.getByRole('link', { name: 'Newest' })).toHaveCount(0);
  await page.getByRole('link', { name: 'Older' }).click();
  await expect(events.last()).toContainText(administrator.email);
  await expect(page.getByRole('link', { name: 'Older' })).toHaveCount(0);
  await page.getByRole('link', { name: 'Newest' }).click();
  await expect(events.first()).toContainText(`${administrator.email} signed in with a password.`);
});

test('an operation of an administrator is logged with its actor, and shown to its user', async ({ page, startServer, anotherBrowser }) => {
  const server = await startServer();
  const [administrator, user] = [await server.administrator(), await server.user()];
  const theirs = await anotherBrowser();
  await openAdminPage(page, server, administrator, 'accounts');
  await openDetails(page.locator('.rows > li', { hasText: user.email }), 'Change');
  await press(page, new RegExp(`^Make administrator.*${user.email}`));
  await page.goto(server.url('/admin/audit?kind=administration'));
  const newest = page.getByRole('main').locator('ol').getByRole('listitem').first();
  await expect(newest).toContainText(`${administrator.email} changed the role of ${user.email} to administrator.`);
  await openAccount(theirs, server, user);
  await expect(section(theirs, 'Recent activity')).toContainText('An administrator made you an administrator');
});
