import { Authenticator } from '../support/authenticator.ts';
import { McpClient } from '../support/client.ts';
import { WAYS, openAdminPage, allow, expectPage, openAccount, press, race, row, submitPassword, openDetails } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';

const NEW_PASSWORD = 'another horse, another battery';

for (const { javaScriptEnabled, way } of WAYS) {
  test(`an administrator creates a reset link, and the user sets a new password with it, ${way}`, async ({
    anotherBrowser,
    server,
    administrator,
    user,
    callback,
    complaints,
  }) => {
    complaints.tolerate(/status of 410/);
    const client = await McpClient.connect(server.mcp, callback.uri);
    const elsewhere = await anotherBrowser();
    const tokens = await allow(elsewhere, client, callback, user);
    const desk = await anotherBrowser({ javaScriptEnabled });
    await openAdminPage(desk, server, administrator, `accounts`);
    await desk.goto(server.url(`/admin/accounts?q=${user.email}`));
    const account = row(desk.getByRole('main'), user.email);
    await openDetails(account, 'Change');
    await press(account, /^Create reset link/);
    const link = await desk.getByLabel('One-time link').inputValue();
    expect(link).toMatch(new RegExp(`^${server.issuer}/reset/[\\w-]{43}$`));

    await test.step('until it is used, everything works as before', async () => {
      expect((await client.me(tokens.access_token)).status).toBe(200);
      await elsewhere.goto(server.url('/account'));
      await expectPage(elsewhere, 'account');
    });

    const page = await anotherBrowser({ javaScriptEnabled });
    await page.goto(link);
    await expectPage(page, 'reset');
    await expect(page.getByRole('heading', { name: 'Reset your sign-in' })).toBeVisible();
    await expect(page.getByText('Your old password and recovery codes will stop working')).toBeVisible();
    await expect(page.getByRole('textbox', { name: 'Email' })).toHaveValue(user.email);
    await expect(page.getByRole('textbox', { name: 'Email' })).not.toBeEditable();

    await page.getByLabel('New password').fill('short');
    await press(page, 'Save password');
    await expectPage(page, 'reset');
    await expect(page.getByLabel('New password')).toHaveAccessibleDescription(/^At least 8 characters\..* Choose a password of at least 8 characters\.$/);
    await page.getByLabel('New password').fill(NEW_PASSWORD);
    await press(page, 'Save password');
    await expectPage(page, 'account');

    await test.step('everything from before has ended', async () => {
      await elsewhere.reload();
      await expectPage(elsewhere, 'login');
      expect((await client.me(tokens.access_token)).status).toBe(401);
      expect((await client.refresh(tokens.refresh_token)).body.error).toBe('invalid_grant');
      await submitPassword(elsewhere, user);
      await expect(elsewhere.getByRole('alert')).toHaveText(/Incorrect email or password/);
      await openAccount(elsewhere, server, { ...user, password: NEW_PASSWORD });
    });

    expect((await page.goto(link))?.status()).toBe(410);
    await expectPage(page, 'problem');
  });
}

test('"account reset" prints a link with which a user creates a passkey', async ({ page, server, user }) => {
  const { code, stdout } = await server.command(['account', 'reset', user.email]);
  expect(code).toBe(0);
  const link = stdout.match(/http:\S+\/reset\/[\w-]{43}/)?.[0];
  const authenticator = await Authenticator.addTo(page);
  await page.goto(link!);
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expectPage(page, 'account');
  expect(await authenticator.passkeys()).toHaveLength(1);
  await expect(page.getByText('You reset your sign-in with a one-time link')).toBeVisible();
});

test('disabled and unknown accounts get no reset link', async ({ server, user }) => {
  await server.json(['account', 'disable', user.email]);
  const disabled = await server.command(['account', 'reset', user.email]);
  expect(disabled.code).not.toBe(0);
  expect(disabled.stderr).toContain('disabled');
  const unknown = await server.command(['account', 'reset', 'nobody.at.all@example.com']);
  expect(unknown.code).not.toBe(0);
  expect(unknown.stdout).toBe('');
});

test('T-F47 two browsers with the same reset link: one succeeds', async ({ page, server, user, anotherBrowser, complaints }) => {
  complaints.tolerate(/status of 410/);
  const link = await server.resetLink(user.email);
  const browsers = [page, await anotherBrowser({ javaScriptEnabled: false })];
  const passwords = ['the password of the first', 'the password of the second'];
  for (const [index, browser] of browsers.entries()) {
    await browser.goto(link);
    await browser.getByLabel('New password').fill(passwords[index]!);
  }
  const outcome = await race(browsers, 'Save password');
  expect([...outcome].sort()).toEqual(['account', 'problem']);
  const winner = outcome.indexOf('account');
  await browsers[1 - winner]!.goto(server.url('/account'));
  await expectPage(browsers[1 - winner]!, 'login');
  await openAccount(await anotherBrowser(), server, { email: user.email, password: passwords[winner]! });
});

test('using one of two reset links ends the other', async ({ page, server, user, anotherBrowser, complaints }) => {
  complaints.tolerate(/status of 410/);
  const waiting = await anotherBrowser();
  await waiting.goto(await server.resetLink(user.email));
  await waiting.getByLabel('New password').fill('too late by a moment');
  await page.goto(await server.resetLink(user.email));
  await page.getByLabel('New password').fill(NEW_PASSWORD);
  await press(page, 'Save password');
  await expectPage(page, 'account');
  await press(waiting, 'Save password');
  await expectPage(waiting, 'problem');
  await page.reload();
  await expectPage(page, 'account');
});
