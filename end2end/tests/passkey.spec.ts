import { Authenticator } from '../support/authenticator.ts';
import { decide, expectPage, section, signIn, signOut } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';

test('a passkey created on the account page signs in to an application that asks', async ({
  page,
  server,
  person,
  client,
  callback,
}) => {
  const authenticator = await Authenticator.plugInto(page);
  await page.goto(server.url('/login'));
  await signIn(page, person);
  await expectPage(page, 'account');
  const passkeys = section(page, 'Passkeys').getByRole('listitem');
  await expect(passkeys).toHaveCount(0);

  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expect(passkeys).toHaveText(/Chrome on Linux · added just now/);
  expect(await authenticator.passkeys()).toMatchObject([{ rpId: 'localhost', isResidentCredential: true }]);

  await signOut(page);

  await page.goto(client.authorizationUrl(callback.uri));
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await decide(page, 'Allow');
  await expect(page).toHaveURL(/\/callback\?code=/);
  const tokens = await client.exchange(callback.answer, callback.uri);
  expect((await client.me(tokens.access_token)).status).toBe(200);

  await page.goto(server.url('/account'));
  await expect(passkeys).toHaveText(/Chrome on Linux · added .* · last used just now/);
});

test('a device holds one passkey for an account, and says so when asked for a second', async ({ page, server, person }) => {
  await Authenticator.plugInto(page);
  await page.goto(server.url('/login'));
  await signIn(page, person);
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expect(section(page, 'Passkeys').getByRole('listitem')).toHaveCount(1);

  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expect(page.getByRole('alert')).toHaveText(/already holds a passkey/);
});

test('a passkey that does not verify its person signs nobody in', async ({ page, server, person }) => {
  const authenticator = await Authenticator.plugInto(page);
  await page.goto(server.url('/login'));
  await signIn(page, person);
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expect(section(page, 'Passkeys').getByRole('listitem')).toHaveCount(1);
  await signOut(page);

  await authenticator.failToVerify();
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page.getByRole('alert')).toHaveText(/No passkey was used/);
  await page.goto(server.url('/account'));
  await expectPage(page, 'login');
});

test('somebody without a passkey is told so and can use a password', async ({ page, server, person }) => {
  await Authenticator.plugInto(page);
  await page.goto(server.url('/login'));
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page.getByRole('alert')).toHaveText(/No passkey was used/);
  await signIn(page, person);
  await expectPage(page, 'account');
});
