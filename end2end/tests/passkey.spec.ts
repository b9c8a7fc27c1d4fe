import { Authenticator } from '../support/authenticator.ts';
import { decide, expectPage, section, signIn, signOut } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';

test('a passkey created on the account page signs in to a requesting application', async ({
  page,
  server,
  user,
  client,
  callback,
}) => {
  const authenticator = await Authenticator.addTo(page);
  await page.goto(server.url('/login'));
  await signIn(page, user);
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

test('a device has one passkey for an account, and a second one is refused with a message', async ({ page, server, user }) => {
  await Authenticator.addTo(page);
  await page.goto(server.url('/login'));
  await signIn(page, user);
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expect(section(page, 'Passkeys').getByRole('listitem')).toHaveCount(1);

  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expect(page.getByRole('alert')).toHaveText(/already has a passkey/);
});

test('a passkey without user verification is refused', async ({ page, server, user }) => {
  const authenticator = await Authenticator.addTo(page);
  await page.goto(server.url('/login'));
  await signIn(page, user);
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expect(section(page, 'Passkeys').getByRole('listitem')).toHaveCount(1);
  await signOut(page);

  await authenticator.failUserVerification();
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page.getByRole('alert')).toHaveText(/No passkey was used/);
  await page.goto(server.url('/account'));
  await expectPage(page, 'login');
});

test('a user without a passkey gets a message and can use a password', async ({ page, server, user }) => {
  await Authenticator.addTo(page);
  await page.goto(server.url('/login'));
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page.getByRole('alert')).toHaveText(/No passkey was used/);
  await signIn(page, user);
  await expectPage(page, 'account');
});
