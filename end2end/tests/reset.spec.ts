import { Authenticator } from '../support/authenticator.ts';
import { McpClient } from '../support/client.ts';
import { WAYS, administrate, allow, expectPage, openAccount, press, race, row, typePassword, unfold } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';

const NEW_PASSWORD = 'another horse, another battery';

for (const { javaScriptEnabled, way } of WAYS) {
  test(`an administrator makes a reset link, and the person chooses a new password by it, ${way}`, async ({
    anotherBrowser,
    server,
    administrator,
    person,
    callback,
    complaints,
  }) => {
    complaints.tolerate(/status of 410/);
    const client = await McpClient.connect(server.mcp, callback.uri);
    const elsewhere = await anotherBrowser();
    const tokens = await allow(elsewhere, client, callback, person);
    const desk = await anotherBrowser({ javaScriptEnabled });
    await administrate(desk, server, administrator, `accounts`);
    await desk.goto(server.url(`/admin/accounts?q=${person.email}`));
    const account = row(desk.getByRole('main'), person.email);
    await unfold(account, 'Change');
    await press(account, /^Make a reset link/);
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
    await expect(page.getByRole('heading', { name: 'Set a new way to sign in' })).toBeVisible();
    await expect(page.getByText('Your old password and recovery codes then stop working')).toBeVisible();
    await expect(page.getByRole('textbox', { name: 'Email' })).toHaveValue(person.email);
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
      await typePassword(elsewhere, person);
      await expect(elsewhere.getByRole('alert')).toHaveText(/do not match an account here/);
      await openAccount(elsewhere, server, { ...person, password: NEW_PASSWORD });
    });

    expect((await page.goto(link))?.status()).toBe(410);
    await expectPage(page, 'problem');
  });
}

test('"account reset" prints a link, by which a person who lost everything creates a passkey', async ({ page, server, person }) => {
  const { code, stdout } = await server.command(['account', 'reset', person.email]);
  expect(code).toBe(0);
  const link = stdout.match(/http:\S+\/reset\/[\w-]{43}/)?.[0];
  const authenticator = await Authenticator.plugInto(page);
  await page.goto(link!);
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expectPage(page, 'account');
  expect(await authenticator.passkeys()).toHaveLength(1);
  await expect(page.getByText('You set a new way to sign in, by a link you were given')).toBeVisible();
});

test('a disabled account and one that is not there get no reset link', async ({ server, person }) => {
  await server.json(['account', 'disable', person.email]);
  const disabled = await server.command(['account', 'reset', person.email]);
  expect(disabled.code).not.toBe(0);
  expect(disabled.stderr).toContain('disabled');
  const unknown = await server.command(['account', 'reset', 'nobody.at.all@example.com']);
  expect(unknown.code).not.toBe(0);
  expect(unknown.stdout).toBe('');
});

test('T-F47 two browsers with the same reset link: one wins', async ({ page, server, person, anotherBrowser, complaints }) => {
  complaints.tolerate(/status of 410/);
  const link = await server.resetLink(person.email);
  const racers = [page, await anotherBrowser({ javaScriptEnabled: false })];
  const passwords = ['the password of the first', 'the password of the second'];
  for (const [index, racer] of racers.entries()) {
    await racer.goto(link);
    await racer.getByLabel('New password').fill(passwords[index]!);
  }
  const outcome = await race(racers, 'Save password');
  expect([...outcome].sort()).toEqual(['account', 'problem']);
  const winner = outcome.indexOf('account');
  await racers[1 - winner]!.goto(server.url('/account'));
  await expectPage(racers[1 - winner]!, 'login');
  await openAccount(await anotherBrowser(), server, { email: person.email, password: passwords[winner]! });
});

test('of two reset links for one account, using one ends the other', async ({ page, server, person, anotherBrowser, complaints }) => {
  complaints.tolerate(/status of 410/);
  const waiting = await anotherBrowser();
  await waiting.goto(await server.resetLink(person.email));
  await waiting.getByLabel('New password').fill('too late by a moment');
  await page.goto(await server.resetLink(person.email));
  await page.getByLabel('New password').fill(NEW_PASSWORD);
  await press(page, 'Save password');
  await expectPage(page, 'account');
  await press(waiting, 'Save password');
  await expectPage(waiting, 'problem');
  await page.reload();
  await expectPage(page, 'account');
});
