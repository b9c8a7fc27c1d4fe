import type { Page } from '@playwright/test';
import { Authenticator } from '../support/authenticator.ts';
import { WAYS, openAdminPage, expectPage, openAccount, press, race, row, openDetails } from '../support/pages.ts';
import type { Server } from '../support/server.ts';
import { expect, test } from '../support/test.ts';

const PASSWORD = 'correct horse battery';

/** Invites a user on the accounts page; returns the link. */
async function invite(page: Page, email: string, role: 'User' | 'Administrator'): Promise<string> {
  await openDetails(page.getByRole('main'), 'Invite someone');
  await page.getByRole('textbox', { name: 'Email' }).fill(email);
  await page.getByLabel('Role', { exact: true }).selectOption({ label: role });
  await press(page, 'Invite');
  await expect(page.getByRole('status')).toContainText(`${email} was invited.`);
  const link = page.getByLabel('One-time link');
  await expect(link).not.toBeEditable();
  return link.inputValue();
}

/** The row of an account, found by its address. */
async function find(page: Page, server: Server, email: string) {
  await page.goto(server.url('/admin/accounts'));
  await page.getByRole('searchbox', { name: 'Email starts with' }).fill(email);
  await press(page, 'Search');
  return row(page.getByRole('main'), email);
}

for (const { javaScriptEnabled, way } of WAYS) {
  test(`an administrator invites a user, who enrols by the link, once, ${way}`, async ({
    anotherBrowser,
    server,
    administrator,
    complaints,
  }) => {
    complaints.tolerate(/status of 410/);
    const email = `invited.${way.replace(' ', '.')}@example.com`.toLowerCase();
    const page = await anotherBrowser({ javaScriptEnabled });
    await openAdminPage(page, server, administrator, 'accounts');
    const link = await invite(page, email, 'User');
    expect(link).toMatch(new RegExp(`^${server.issuer}/enroll/[\\w-]{43}$`));

    await test.step('the link is shown this once', async () => {
      await page.reload();
      await expect(page.getByLabel('One-time link')).toHaveCount(0);
      expect(await page.content()).not.toContain(link);
      await expect(await find(page, server, email)).toContainText('invited, not set up yet · added just now');
    });

    const user = await anotherBrowser({ javaScriptEnabled });
    await user.goto(link);
    await expectPage(user, 'enroll');
    await expect(user.getByRole('textbox', { name: 'Email' })).toHaveValue(email);
    await expect(user.getByRole('textbox', { name: 'Email' })).not.toBeEditable();
    await user.getByLabel('Password').fill(PASSWORD);
    await press(user, 'Create account');
    await expectPage(user, 'account');
    await expect(user.getByRole('link', { name: 'Administration' })).toHaveCount(0);

    await expect(await find(page, server, email)).toContainText('active · a password, no passkey');
    expect((await user.goto(link))?.status()).toBe(410);
    await expectPage(user, 'problem');
    await expect(user.getByRole('heading')).toHaveText('This link has been used or has expired.');
  });
}

test('a user who is invited as an administrator is one', async ({ page, server, administrator, anotherBrowser }) => {
  await openAdminPage(page, server, administrator, 'accounts');
  const link = await invite(page, 'second.administrator@example.com', 'Administrator');
  const user = await anotherBrowser();
  await user.goto(link);
  await user.getByLabel('Password').fill(PASSWORD);
  await press(user, 'Create account');
  await user.getByRole('link', { name: 'Administration' }).click();
  await expectPage(user, 'admin-accounts');
});

test('an invalid invitation is refused at its field, which keeps the input', async ({ page, server, administrator, user }) => {
  await openAdminPage(page, server, administrator, 'accounts');
  await openDetails(page.getByRole('main'), 'Invite someone');
  const box = page.getByRole('textbox', { name: 'Email' });
  await box.fill(user.email);
  await page.getByLabel('Role', { exact: true }).selectOption({ label: 'Administrator' });
  await press(page, 'Invite');
  await expect(page.getByRole('alert')).toHaveText(`Nothing was changed: ${user.email} already has an account and can sign in.`);
  await expect(box).toHaveAccessibleDescription(/already has an account/);
  await expect(box).toHaveValue(user.email);
  await expect(page.getByLabel('Role', { exact: true })).toHaveValue('administrator');
  expect((await server.accounts()).find(({ email }) => email === user.email)).toMatchObject({ role: 'person' });
});

test('a lost invitation can be created again, and the first link works until one is used', async ({
  page,
  server,
  administrator,
  anotherBrowser,
  complaints,
}) => {
  complaints.tolerate(/status of 410/);
  const email = 'lost.invitation@example.com';
  const first = await server.enrolmentLink(email);
  await openAdminPage(page, server, administrator, 'accounts');
  const account = await find(page, server, email);
  await openDetails(account, 'Change');
  await press(account, /^Create new invitation link/);
  const second = await page.getByLabel('One-time link').inputValue();
  expect(second).not.toBe(first);

  const user = await anotherBrowser();
  await user.goto(second);
  await user.getByLabel('Password').fill(PASSWORD);
  await press(user, 'Create account');
  await expectPage(user, 'account');
  expect((await user.goto(first))?.status()).toBe(410);
});

test('"account add" prints a link; with a role, its user has that role', async ({ page, server }) => {
  const email = 'added.as.administrator@example.com';
  const { stdout, code } = await server.command(['account', 'add', email, '--role', 'administrator']);
  expect(code).toBe(0);
  const link = stdout.match(/http:\S+\/enroll\/[\w-]{43}/)?.[0];
  await page.goto(link!);
  await page.getByLabel('Password').fill(PASSWORD);
  await press(page, 'Create account');
  await page.getByRole('link', { name: 'Administration' }).click();
  await expectPage(page, 'admin-accounts');
});

test('T-F47 two browsers with one invitation, each with a password: one succeeds', async ({ page, server, anotherBrowser, complaints }) => {
  complaints.tolerate(/status of 410/);
  const email = 'raced.for.with.passwords@example.com';
  const link = await server.enrolmentLink(email);
  const browsers = [page, await anotherBrowser({ javaScriptEnabled: false })];
  const passwords = ['the password of the first', 'the password of the second'];
  for (const [index, browser] of browsers.entries()) {
    await browser.goto(link);
    await browser.getByLabel('Password').fill(passwords[index]!);
  }
  const outcome = await race(browsers, 'Create account');
  expect([...outcome].sort()).toEqual(['account', 'problem']);

  const winner = outcome.indexOf('account');
  await expect(browsers[1 - winner]!.getByRole('heading')).toHaveText('This link has been used or has expired.');
  await browsers[1 - winner]!.goto(server.url('/account'));
  await expectPage(browsers[1 - winner]!, 'login');
  const again = await anotherBrowser();
  await openAccount(again, server, { email, password: passwords[winner]! });
});

test('T-F47 two browsers with one invitation, each with a passkey: one succeeds', async ({ page, server, anotherBrowser, complaints }) => {
  complaints.tolerate(/status of 410/);
  const email = 'raced.for.with.passkeys@example.com';
  const link = await server.enrolmentLink(email);
  const browsers = [page, await anotherBrowser()];
  for (const browser of browsers) {
    await Authenticator.addTo(browser);
    await browser.goto(link);
    await expect(browser.getByRole('button', { name: 'Create a passkey' })).toBeEnabled();
  }
  await Promise.all(browsers.map((browser) => browser.getByRole('button', { name: 'Create a passkey' }).click()));
  const arrived = () => Promise.all(browsers.map((browser) => browser.locator('main[data-page=account]').count()));
  const refused = () => Promise.all(browsers.map((browser) => browser.getByRole('alert').filter({ hasText: 'has been used or has expired' }).count()));
  await expect.poll(async () => [...(await arrived())].sort()).toEqual([0, 1]);
  await expect.poll(async () => [...(await refused())].sort()).toEqual([0, 1]);
  expect((await server.accounts()).find((account) => account.email === email)).toMatchObject({ passkeys: 1, has_password: false });
});
