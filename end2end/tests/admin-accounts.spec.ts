import type { Page } from '@playwright/test';
import { McpClient } from '../support/client.ts';
import { WAYS, openAdminPage, allow, expectPage, openAccount, press, row, section, submitPassword, openDetails } from '../support/pages.ts';
import type { Server } from '../support/server.ts';
import { expect, test } from '../support/test.ts';

const PLACES = ['accounts', 'applications', 'resources', 'keys', 'failures', 'audit'];

/** Finds an account by its address, and opens its disclosure. */
async function change(page: Page, server: Server, email: string) {
  await page.goto(server.url('/admin/accounts'));
  await page.getByRole('searchbox', { name: 'Email starts with' }).fill(email);
  await press(page, 'Search');
  const account = row(page.getByRole('main'), email);
  await openDetails(account, 'Change');
  return account;
}

for (const { javaScriptEnabled, way } of WAYS) {
  test(`T-C25 disabling an account ends session, refresh and access at once; enabling restores none of them, ${way}`, async ({
    anotherBrowser,
    server,
    administrator,
    user,
    callback,
  }) => {
    const theirs = await anotherBrowser();
    const client = await McpClient.connect(server.mcp, callback.uri);
    const tokens = await allow(theirs, client, callback, user);
    expect((await client.me(tokens.access_token)).status).toBe(200);
    const page = await anotherBrowser({ javaScriptEnabled });
    await openAdminPage(page, server, administrator, 'accounts');
    const account = await change(page, server, user.email);
    await expect(account.getByText('Signs this person out everywhere, blocks sign-in and disconnects all of their applications.')).toBeVisible();
    await press(account, `Disable ${user.email}`);

    await expectPage(page, 'admin-accounts');
    await expect(page.getByRole('status')).toHaveText(`${user.email} is disabled.`);
    expect((await client.me(tokens.access_token)).status).toBe(401);
    expect((await client.refresh(tokens.refresh_token)).body.error).toBe('invalid_grant');
    await theirs.goto(server.url('/account'));
    await expectPage(theirs, 'login');
    await submitPassword(theirs, user);
    await expect(theirs.getByRole('alert')).toHaveText(/Incorrect email or password/);

    await test.step('enabled, it can sign in, and what it had allowed stays ended', async () => {
      const disabled = await change(page, server, user.email);
      await expect(disabled).toContainText('disabled');
      await press(disabled, `Enable ${user.email}`);
      await expect(page.getByRole('status')).toHaveText(`${user.email} is enabled.`);
      await openAccount(theirs, server, user);
      expect((await client.refresh(tokens.refresh_token)).body.error).toBe('invalid_grant');
    });
  });

  test(`T-C25 removing an account needs a confirmation and ends everything at once, ${way}`, async ({
    anotherBrowser,
    server,
    administrator,
    user,
    callback,
  }) => {
    const theirs = await anotherBrowser();
    const client = await McpClient.connect(server.mcp, callback.uri);
    const tokens = await allow(theirs, client, callback, user);
    const page = await anotherBrowser({ javaScriptEnabled });
    await openAdminPage(page, server, administrator, 'accounts');
    const account = await change(page, server, user.email);
    const button = account.getByRole('button', { name: `Remove ${user.email}` });
    await expect(button).toBeHidden();
    await openDetails(account, 'Remove');
    await expect(account.getByText('This cannot be undone.')).toBeVisible();
    await press(account, `Remove ${user.email}`);

    await expect(page.getByRole('status')).toHaveText(`${user.email} was removed.`);
    expect((await client.me(tokens.access_token)).status).toBe(401);
    expect((await client.refresh(tokens.refresh_token)).body.error).toBe('invalid_grant');
    await theirs.goto(server.url('/account'));
    await expectPage(theirs, 'login');
    expect((await server.accounts()).map(({ email }) => email)).not.toContain(user.email);
    await page.goto(server.url(`/admin/accounts?q=${user.email}`));
    await expect(page.getByText(`No email address starts with “${user.email}”.`)).toBeVisible();
    await page.getByRole('link', { name: 'Show all accounts' }).click();
    await expect(row(page.getByRole('main'), administrator.email)).toBeVisible();
  });

  test(`a changed role applies at once, ${way}`, async ({ anotherBrowser, server, administrator, user, complaints }) => {
    complaints.tolerate(/status of 403/);
    const theirs = await anotherBrowser({ javaScriptEnabled });
    await openAccount(theirs, server, user);
    const page = await anotherBrowser({ javaScriptEnabled });
    await openAdminPage(page, server, administrator, 'accounts');
    await press(await change(page, server, user.email), /^Make administrator/);
    await expect(page.getByRole('status')).toHaveText(`${user.email} is now an administrator.`);
    await theirs.reload();
    await theirs.getByRole('link', { name: 'Administration' }).click();
    await expectPage(theirs, 'admin-accounts');

    await test.step('what an older page of theirs still offers is refused', async () => {
      const other = await server.user('other');
      const older = await change(theirs, server, other.email);
      await press(await change(page, server, user.email), /^Remove administrator role/);
      await expect(page.getByRole('status')).toHaveText(`${user.email} is no longer an administrator.`);
      await press(older, `Disable ${other.email}`);
      await expectPage(theirs, 'problem');
      expect((await server.accounts()).find(({ email }) => email === other.email)).toMatchObject({ disabled: false });
    });
    await expect(row(page.getByRole('main'), user.email)).not.toContainText('Administrator ·');
  });
}

test('an administrator cannot lock themselves out: their own account has no buttons', async ({ page, server, administrator }) => {
  await openAdminPage(page, server, administrator, 'accounts');
  await page.getByRole('searchbox', { name: 'Email starts with' }).fill(administrator.email);
  await press(page, 'Search');
  const own = row(page.getByRole('main'), administrator.email);
  await expect(own).toContainText('This is your own account');
  await expect(own).toContainText('Administrator · active · a password, no passkey · last signed in just now');
  await expect(own.locator('summary, button')).toHaveCount(0);
});

test('the pages are for administrators only: other users get a message, and others the login page', async ({
  page,
  server,
  user,
  anotherBrowser,
  complaints,
}) => {
  complaints.tolerate(/status of 403/);
  const unknownPage = await anotherBrowser();
  await openAccount(page, server, user);
  await expect(page.getByRole('link', { name: 'Administration' })).toHaveCount(0);
  for (const place of [...PLACES, 'audit.jsonl']) {
    expect((await page.goto(server.url(`/admin/${place}`)))?.status(), place).toBe(403);
    await expectPage(page, 'problem');
    await expect(page.getByRole('heading')).toHaveText('This page is for administrators only.');
    await unknownPage.goto(server.url(`/admin/${place}`));
    expect(unknownPage.url(), place).toBe(server.url('/login'));
  }
});

test('T-E41 an administration form that a user sends has no effect', async ({ page, server, user, administrator, anotherBrowser, complaints }) => {
  complaints.tolerate(/status of 403/);
  const other = await server.user('other');
  const desk = await anotherBrowser();
  await openAdminPage(desk, server, administrator, 'accounts');
  const fields = await (await change(desk, server, other.email)).locator('form', { hasText: `Disable ${other.email}` }).evaluate((form) =>
    Object.fromEntries([...new FormData(form as HTMLFormElement)].map(([name, value]) => [name, String(value)])),
  );
  await openAccount(page, server, user);
  const own = await page.locator('input[name=form_token]').first().inputValue();
  for (const form_token of [own, fields.form_token!, '']) {
    const form = { ...fields, form_token };
    const answer = await page.request.post(server.url('/actions/disable_account'), { form, maxRedirects: 0, headers: { origin: server.issuer } });
    expect(answer.status()).toBe(303);
    expect((await server.accounts()).find(({ email }) => email === other.email)).toMatchObject({ disabled: false });
  }
});

test('navigation: every page is one link away, and the current one is marked', async ({ page, server, administrator }) => {
  await openAccount(page, server, administrator);
  await page.getByRole('link', { name: 'Administration' }).click();
  await expectPage(page, 'admin-accounts');
  const ways = page.getByRole('navigation', { name: 'Administration' });
  for (const [index, name] of ['Accounts', 'Applications', 'MCP servers', 'Keys', 'Failures', 'Audit log'].entries()) {
    await ways.getByRole('link', { name, exact: true }).click();
    await expectPage(page, `admin-${PLACES[index]}`);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(name);
    await expect(ways.locator('[aria-current=page]')).toHaveText(name);
  }
  await ways.getByRole('link', { name: 'Your account' }).click();
  await expectPage(page, 'account');
  await page.goto(server.url('/admin'));
  expect(page.url()).toBe(server.url('/admin/accounts'));
});

test('many accounts are on several pages, and can be searched by the beginning of their address', async ({ page, startServer }) => {
  const server = await startServer();
  const administrator = await server.administrator();
  for (let number = 10; number < 62; number += 1) await server.enrolmentLink(`person.${number}@example.com`);
  await openAdminPage(page, server, administrator, 'accounts');
  const rows = page.locator('.rows > li');
  await expect(rows).toHaveCount(50);
  await page.getByRole('link', { name: 'Next' }).click();
  await expect(rows).toHaveCount(3);
  await page.getByRole('link', { name: 'First page' }).click();
  await expect(rows).toHaveCount(50);
  const orders = page.getByRole('navigation', { name: 'Sort by' });
  await expect(orders.locator('[aria-current=true]')).toHaveText('Last used');
  await expect(rows.first()).toContainText(administrator.email);
  await orders.getByRole('link', { name: 'Email' }).click();
  await expect(orders.locator('[aria-current=true]')).toHaveText('Email');
  await page.getByRole('link', { name: 'Next' }).click();
  await openDetails(row(page.getByRole('main'), 'person.61@example.com'), 'Change');
  await press(page, 'Disable person.61@example.com');
  await expect(page.getByRole('status')).toHaveText('person.61@example.com is disabled.');
  await expect(row(page.getByRole('main'), 'person.61@example.com')).toBeVisible();
  await expect(orders.locator('[aria-current=true]')).toHaveText('Email');
  await page.getByRole('searchbox', { name: 'Email starts with' }).fill('PERSON.2');
  await press(page, 'Search');
  await expect(rows).toHaveCount(10);
  await expect(page.getByRole('searchbox', { name: 'Email starts with' })).toHaveValue('PERSON.2');
});

test('names of hostile accounts do no harm', async ({ page, startServer }) => {
  const server = await startServer();
  const administrator = await server.administrator();
  // Markup is not possible in an address; these are the most difficult characters.
  await expect(server.enrolmentLink('"><img/src=x/onerror=alert(1)>@example.com')).rejects.toThrow();
  const hostile = "a'&img/src=x/onerror=`{1}`&@example.com";
  await server.enrolmentLink(hostile);
  await openAdminPage(page, server, administrator, 'accounts');
  await expect(row(page.getByRole('main'), hostile)).toBeVisible();
  await expect(page.locator('main img, main script')).toHaveCount(0);
  await openDetails(row(page.getByRole('main'), hostile), 'Change');
  await press(page, `Disable ${hostile}`);
  await expect(page.getByRole('status')).toHaveText(`${hostile} is disabled.`);
  await page.goto(server.url('/account'));
  await expect(section(page, 'Recent activity')).toBeVisible();
});
