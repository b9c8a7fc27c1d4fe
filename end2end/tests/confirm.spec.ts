import type { Page } from '@playwright/test';
import { Authenticator } from '../support/authenticator.ts';
import { WAYS, expectPage, openAccount, press, row, section, openDetails } from '../support/pages.ts';
import type { Redis } from '../support/redis.ts';
import type { Options, User, Server } from '../support/server.ts';
import { expect, test } from '../support/test.ts';

/** Longer than the maximum age of a sign-in for changes of credentials and for administration. */
const TOO_LONG_AGO = 301;

/** Confirms with the password. */
async function confirm(page: Page, password: string): Promise<void> {
  await expectPage(page, 'confirm');
  await page.getByLabel('Password').fill(password);
  await press(page, 'Confirm');
}

/** A server over Redis, where sign-ins can be made older, and an administrator. */
async function aged(redis: Redis, startServer: (options: Options) => Promise<Server>): Promise<{ server: Server; user: User }> {
  const server = await startServer({ settings: await redis.settings(startServer) });
  return { server, user: await server.administrator() };
}

for (const { javaScriptEnabled, way } of WAYS) {
  test(`T-F48 after five minutes a change requires the password again, and does nothing before, ${way}`, async ({
    anotherBrowser,
    redis,
    startServer,
  }) => {
    const { server, user } = await aged(redis, startServer);
    const page = await anotherBrowser({ javaScriptEnabled });
    await openAccount(page, server, user);
    const changed = 'another horse, another battery';
    const change = async () => {
      await openDetails(section(page, 'Password'), 'Change password');
      await page.getByLabel('New password').fill(changed);
      await press(page, 'Save password');
    };

    await redis.ageSignIns(TOO_LONG_AGO);
    await change();
    await expectPage(page, 'confirm');
    await expect(page.getByRole('heading', { name: "Confirm it's you" })).toBeVisible();
    await expect(page.getByText(`You're signed in as ${user.email}`)).toBeVisible();
    await expect(page.getByRole('alert')).toHaveText("Please confirm it's you first. Nothing was changed yet.");
    expect(page.url()).toBe(server.url('/confirm?then=account'));

    await confirm(page, 'not the password');
    await expectPage(page, 'confirm');
    await expect(page.getByRole('alert')).toHaveText(/That password isn't correct/);
    await confirm(page, user.password);
    await expectPage(page, 'account');
    await change();
    await expectPage(page, 'account');
    await expect(section(page, 'Recent activity').getByRole('listitem').first()).toContainText('You set a new password');
  });

  test(`after five minutes the administration's pages and posts require the password again, ${way}`, async ({
    anotherBrowser,
    redis,
    startServer,
  }) => {
    const { server, user } = await aged(redis, startServer);
    const other = await server.user('other');
    const page = await anotherBrowser({ javaScriptEnabled });
    await openAccount(page, server, user);
    await page.goto(server.url('/admin/accounts'));
    await expectPage(page, 'admin-accounts');
    await openDetails(row(page.getByRole('main'), other.email), 'Change');
    await redis.ageSignIns(TOO_LONG_AGO);

    await press(page, `Disable ${other.email}`);
    await expectPage(page, 'confirm');
    expect((await server.accounts()).filter(({ disabled }) => disabled)).toEqual([]);
    for (const place of ['accounts', 'applications', 'resources', 'keys', 'failures', 'audit']) {
      await page.goto(server.url(`/admin/${place}`));
      expect(page.url()).toBe(server.url(`/confirm?then=admin-${place}`));
    }
    await page.goto(server.url('/admin/keys'));
    await confirm(page, user.password);
    await expectPage(page, 'admin-keys');
    await page.goto(server.url('/account'));
    await expectPage(page, 'account');
  });
}

test('T-F48 a sign-in of six minutes ago may read but not change', async ({ page, redis, startServer, complaints }) => {
  complaints.tolerate(/status of 403/);
  const { server, user } = await aged(redis, startServer);
  await Authenticator.addTo(page);
  await openAccount(page, server, user);
  await redis.ageSignIns(TOO_LONG_AGO);
  await expect(page.getByRole('link', { name: 'Confirm now' })).toHaveCount(0);
  await page.reload();
  await expectPage(page, 'account');
  await expect(page.getByText("To change how you sign in, please confirm it's you first.")).toBeVisible();
  await expect(page.getByRole('link', { name: 'Confirm now' })).toHaveAttribute('href', '/confirm?then=account');
  await openDetails(section(page, 'Recovery codes'), 'Create recovery codes');
  await press(page, 'Create recovery codes');
  await expectPage(page, 'confirm');
  await page.goto(server.url('/account'));
  await expect(section(page, 'Recovery codes')).toContainText('No recovery codes');
  const refused = page.waitForResponse(/start_adding_passkey/);
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  expect((await refused).status()).toBe(403);
  await expectPage(page, 'confirm');
  await confirm(page, user.password);
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expect(section(page, 'Passkeys').getByRole('listitem')).toHaveCount(1);
});

test('a passkey confirms too', async ({ page, redis, startServer }) => {
  const { server, user } = await aged(redis, startServer);
  const authenticator = await Authenticator.addTo(page);
  await openAccount(page, server, user);
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expect(section(page, 'Passkeys').getByRole('listitem')).toHaveCount(1);
  await redis.ageSignIns(TOO_LONG_AGO);
  await page.goto(server.url('/admin/audit'));
  await expectPage(page, 'confirm');
  await authenticator.failUserVerification();
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await expect(page.getByRole('alert')).toHaveText(/No passkey was used/);
  await page.goto(server.url('/admin/audit'));
  await expectPage(page, 'confirm');
  await authenticator.passUserVerification();
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await expectPage(page, 'admin-audit');
});

test('T-A8 a confirmation leads to a page of the server, whatever its URL says', async ({ page, server, user }) => {
  await page.goto(server.url('/confirm?then=admin-keys'));
  await expectPage(page, 'login');
  await openAccount(page, server, user);
  for (const then of ['account', '', '//evil.example', 'https://evil.example/', '/admin/keys', 'admin-', 'consent']) {
    await page.goto(server.url(`/confirm?then=${encodeURIComponent(then)}`));
    await confirm(page, user.password);
    expect(page.url(), then).toBe(server.url('/account'));
  }
});

test('a confirmation signs no other user in', async ({ page, server, user, complaints }) => {
  complaints.tolerate(/status of 4\d\d/);
  const other = await server.user('other');
  await openAccount(page, server, user);
  await page.goto(server.url('/confirm?then=account'));
  await confirm(page, 'the password of somebody else');
  await expectPage(page, 'confirm');
  await expect(page.getByText(`You're signed in as ${user.email}`)).toBeVisible();
  await press(page, 'Use a different account');
  await expectPage(page, 'login');
  await openAccount(page, server, other);
  await expect(page.getByText(other.email)).toBeVisible();
});
