import { Authenticator } from '../support/authenticator.ts';
import { McpClient } from '../support/client.ts';
import { WAYS, decide, expectPage, press, signIn, signOut } from '../support/pages.ts';
import type { Options, User, Server } from '../support/server.ts';
import { expect, test } from '../support/test.ts';

const NEW_USER: User = { email: 'newcomer@example.com', password: 'correct horse battery' };

/** A server with open sign-up and one account. */
async function open(startServer: (options: Options) => Promise<Server>, policy = 'open'): Promise<Server> {
  const server = await startServer({ settings: { VESTIBULE_SIGN_UP: policy } });
  await server.administrator();
  return server;
}

test('sign-up is closed by default: there is no link and no page', async ({ page, server, complaints }) => {
  complaints.tolerate(/status of 404/);
  await page.goto(server.url('/login'));
  await expect(page.getByRole('link', { name: 'Use a recovery code' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'Create an account' })).toHaveCount(0);
  expect((await page.goto(server.url('/sign-up')))?.status()).toBe(404);
  await expectPage(page, 'problem');
});

for (const { javaScriptEnabled, way } of WAYS) {
  test(`a user of an application creates an account and allows it, ${way}`, async ({ anotherBrowser, startServer, callback }) => {
    const server = await open(startServer);
    const client = await McpClient.connect(server.mcp, callback.uri);
    const page = await anotherBrowser({ javaScriptEnabled });
    await page.goto(client.authorizationUrl(callback.uri));
    await page.getByRole('link', { name: 'Create an account' }).click();
    await expectPage(page, 'sign-up');
    await expect(page.getByRole('heading', { name: 'Create an account' })).toBeVisible();
    await expect(page.getByText('to let Test Client use Notes')).toBeVisible();

    await page.getByRole('textbox', { name: 'Email' }).fill(NEW_USER.email);
    await page.getByLabel('Password').fill(NEW_USER.password);
    await press(page, 'Create account');
    await expectPage(page, 'consent');
    await expect(page.getByText(NEW_USER.email)).toBeVisible();
    await decide(page, 'Allow');
    await expect(page).toHaveURL(/\/callback\?code=/);
    const tokens = await client.exchange(callback.answer, callback.uri);
    expect((await client.me(tokens.access_token)).status).toBe(200);

    await test.step('they are a person like others, and can sign in again', async () => {
      const made = (await server.accounts()).find(({ email }) => email === NEW_USER.email);
      expect(made).toMatchObject({ role: 'person', disabled: false, has_password: true });
      await page.goto(server.url('/account'));
      await signOut(page);
      await signIn(page, NEW_USER);
      await expectPage(page, 'account');
    });
  });
}

test('a user creates an account with a passkey alone', async ({ page, startServer }) => {
  const server = await open(startServer);
  const authenticator = await Authenticator.addTo(page);
  await page.goto(server.url('/sign-up'));
  await page.getByRole('textbox', { name: 'Email' }).fill(NEW_USER.email);
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expectPage(page, 'account');
  expect(await authenticator.passkeys()).toMatchObject([{ rpId: 'localhost', isResidentCredential: true }]);
  await signOut(page);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expectPage(page, 'account');
  await expect(page.getByText(NEW_USER.email)).toBeVisible();
});

test('an address in use and a short password are refused at their fields', async ({ page, startServer }) => {
  const server = await open(startServer);
  const user = await server.user();
  await page.goto(server.url('/sign-up'));
  const box = page.getByRole('textbox', { name: 'Email' });

  await box.fill(user.email.toUpperCase());
  await page.getByLabel('Password').fill(NEW_USER.password);
  await press(page, 'Create account');
  await expectPage(page, 'sign-up');
  await expect(page.getByRole('alert')).toHaveText(/You can't create an account with this email address/);
  await expect(box).toHaveAccessibleDescription(/You can't create an account/);
  await expect(box).toHaveValue(user.email.toUpperCase());
  await expect(page.getByLabel('Password')).toHaveValue('');

  await box.fill(NEW_USER.email);
  await page.getByLabel('Password').fill('short');
  await press(page, 'Create account');
  await expect(page.getByRole('alert')).toHaveText(/at least 8 characters/);
  await expect(page.getByLabel('Password')).toHaveAccessibleDescription(/^At least 8 characters\..* Choose a password of at least 8 characters\.$/);
  await expect(box).toHaveValue(NEW_USER.email);
  expect((await server.accounts()).map(({ email }) => email)).not.toContain(NEW_USER.email);

  await test.step('the account that was there is untouched', async () => {
    await page.goto(server.url('/login'));
    await signIn(page, user);
    await expectPage(page, 'account');
  });
});

test('a limit to domains is shown on the page, and other addresses are refused', async ({ page, startServer }) => {
  const server = await open(startServer, 'example.org,example.net');
  await page.goto(server.url('/login'));
  await page.getByRole('link', { name: 'Create an account' }).click();
  await expect(page.getByText('Only for email addresses at example.org and example.net.')).toBeVisible();
  for (const email of ['a@example.com', 'a@evil.example.org', 'a@example.org.example.com']) {
    await page.getByRole('textbox', { name: 'Email' }).fill(email);
    await page.getByLabel('Password').fill(NEW_USER.password);
    await press(page, 'Create account');
    await expect(page.getByRole('alert'), email).toHaveText(/You can't create an account with this email address/);
  }
  await page.getByRole('textbox', { name: 'Email' }).fill('a@EXAMPLE.org');
  await page.getByLabel('Password').fill(NEW_USER.password);
  await press(page, 'Create account');
  await expectPage(page, 'account');
  expect(await server.accounts()).toHaveLength(2);
});

test('a user with an account can sign in instead, and the request stays pending', async ({ page, startServer, callback }) => {
  const server = await open(startServer);
  const client = await McpClient.connect(server.mcp, callback.uri);
  const user = await server.user();
  await page.goto(client.authorizationUrl(callback.uri));
  await page.getByRole('link', { name: 'Create an account' }).click();
  await page.getByRole('link', { name: 'Sign in instead' }).click();
  await expectPage(page, 'login');
  await signIn(page, user);
  await expectPage(page, 'consent');
  await page.goto(server.url('/sign-up'));
  await expectPage(page, 'account');
});
