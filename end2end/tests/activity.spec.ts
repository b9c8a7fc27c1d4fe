import { Authenticator } from '../support/authenticator.ts';
import { McpClient } from '../support/client.ts';
import { allow, decide, expectAccessible, expectPage, openAccount, section, signOut, submitPassword } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';

test('the activity of an account is listed in words, newest first, with its source', async ({ page, server, user, client, callback }) => {
  await Authenticator.addTo(page);
  await openAccount(page, server, user);
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expect(section(page, 'Passkeys').getByRole('listitem')).toHaveCount(1);
  await signOut(page);
  await page.goto(client.authorizationUrl(callback.uri));
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await decide(page, 'Allow');
  await expect(page).toHaveURL(/\/callback\?code=/);
  await page.goto(client.authorizationUrl(callback.uri));
  await decide(page, 'Deny');
  await expect(page).toHaveURL(/error=access_denied/);

  await page.goto(server.url('/account'));
  const events = section(page, 'Recent activity').getByRole('listitem');
  const here = String.raw` · Chrome on Linux · (127\.0\.0\.1|::1) · just now`;
  await expect(events).toHaveText(
    [
      'You denied Test Client access to Notes',
      'You allowed Test Client to use Notes',
      'You signed in with a passkey',
      'You signed out',
      'You added the passkey Chrome on Linux',
      'You signed in with a password',
    ]
      .map((words) => new RegExp(`^${words}${here}$`))
      .concat(/^An administrator created this account · just now$/),
  );
  await expect(events.first().locator('time')).toHaveAttribute('title', /\d{4}, \d\d:\d\d UTC$/);
  await expect(section(page, 'Recent activity').locator('.caution')).toHaveCount(0);
});

test('a replayed refresh token shows a warning with instructions', async ({ page, startServer, callback }) => {
  const server = await startServer({ settings: { VESTIBULE_REFRESH_REPLAY_WINDOW: '0s' } });
  const client = await McpClient.connect(server.mcp, callback.uri, 'Claude Code');
  const user = await server.user();
  const tokens = await allow(page, client, callback, user);
  const { body } = await client.refresh(tokens.refresh_token);
  expect((await client.refresh(tokens.refresh_token)).status).toBe(400);
  expect((await client.refresh(String(body.refresh_token))).body.error).toBe('invalid_grant');

  await page.goto(server.url('/account'));
  const replayed = section(page, 'Recent activity').locator('.caution');
  await expect(replayed).toContainText('A one-time key for Claude Code was used twice, so we disconnected it');
  await expect(replayed).toContainText("If this wasn't you, someone may have copied it.");
  await expect(section(page, 'Connected applications').locator('.caution')).toContainText('because a one-time key for it was used twice');
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await expectAccessible(page);
  }
});

test('password guesses are listed and displace no other events', async ({ page, server, user, anotherBrowser }) => {
  await openAccount(page, server, user);
  const unknownPage = await anotherBrowser({ userAgent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0' });
  await unknownPage.goto(server.url('/login'));
  for (let guess = 0; guess < 8; guess += 1) await submitPassword(unknownPage, { ...user, password: `guess number ${guess}` });
  await page.reload();
  const events = section(page, 'Recent activity').getByRole('listitem');
  const refused = events.filter({ hasText: 'Someone tried to sign in with a wrong password or recovery code · Firefox on Windows' });
  // One event represents all that follow within minutes.
  await expect(refused).toHaveCount(1);
  await expect(events.filter({ hasText: 'You signed in with a password' })).toHaveCount(1);
  await expect(section(page, 'Recent activity')).not.toContainText('guess number');
});

test('the latest twenty events of the own account are shown', async ({ page, server, user }) => {
  const other = await server.user('other');
  await openAccount(page, server, other);
  await signOut(page);
  await openAccount(page, server, user);
  for (let round = 0; round < 11; round += 1) {
    await signOut(page);
    await submitPassword(page, user);
  }
  await expectPage(page, 'account');
  const events = section(page, 'Recent activity').getByRole('listitem');
  await expect(events).toHaveCount(20);
  await expect(events.first()).toContainText('You signed in with a password');
  await expect(section(page, 'Recent activity')).not.toContainText(other.email);
});
