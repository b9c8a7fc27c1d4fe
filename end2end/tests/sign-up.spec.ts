import { Authenticator } from '../support/authenticator.ts';
import { McpClient } from '../support/client.ts';
import { WAYS, decide, expectPage, press, signIn, signOut } from '../support/pages.ts';
import type { Options, Person, Server } from '../support/server.ts';
import { expect, test } from '../support/test.ts';

const NEWCOMER: Person = { email: 'newcomer@example.com', password: 'correct horse battery' };

/** A server that lets people make accounts for themselves, and has one already. */
async function open(startServer: (options: Options) => Promise<Server>, policy = 'open'): Promise<Server> {
  const server = await startServer({ settings: { VESTIBULE_SIGN_UP: policy } });
  await server.administrator();
  return server;
}

test('unless the settings say otherwise nobody signs up: there is no link, and no page', async ({ page, server, complaints }) => {
  complaints.tolerate(/status of 404/);
  await page.goto(server.url('/login'));
  await expect(page.getByRole('link', { name: 'Use a recovery code' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'Create an account' })).toHaveCount(0);
  expect((await page.goto(server.url('/sign-up')))?.status()).toBe(404);
  await expectPage(page, 'problem');
});

for (const { javaScriptEnabled, way } of WAYS) {
  test(`somebody whom an application sent makes an account and allows it, ${way}`, async ({ anotherBrowser, startServer, callback }) => {
    const server = await open(startServer);
    const client = await McpClient.connect(server.mcp, callback.uri);
    const page = await anotherBrowser({ javaScriptEnabled });
    await page.goto(client.authorizationUrl(callback.uri));
    await page.getByRole('link', { name: 'Create an account' }).click();
    await expectPage(page, 'sign-up');
    await expect(page.getByRole('heading', { name: 'Create an account' })).toBeVisible();
    await expect(page.getByText('to let Test Client use Notes')).toBeVisible();

    await page.getByRole('textbox', { name: 'Email' }).fill(NEWCOMER.email);
    await page.getByLabel('Password').fill(NEWCOMER.password);
    await press(page, 'Create account');
    await expectPage(page, 'consent');
    await expect(page.getByText(NEWCOMER.email)).toBeVisible();
    await decide(page, 'Allow');
    await expect(page).toHaveURL(/\/callback\?code=/);
    const tokens = await client.exchange(callback.answer, callback.uri);
    expect((await client.me(tokens.access_token)).status).toBe(200);

    await test.step('they are a person like others, and can sign in again', async () => {
      const made = (await server.accounts()).find(({ email }) => email === NEWCOMER.email);
      expect(made).toMatchObject({ role: 'person', disabled: false, has_password: true });
      await page.goto(server.url('/account'));
      await signOut(page);
      await signIn(page, NEWCOMER);
      await expectPage(page, 'account');
    });
  });
}

test('somebody makes an account with a passkey alone', async ({ page, startServer }) => {
  const server = await open(startServer);
  const authenticator = await Authenticator.plugInto(page);
  await page.goto(server.url('/sign-up'));
  await page.getByRole('textbox', { name: 'Email' }).fill(NEWCOMER.email);
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expectPage(page, 'account');
  expect(await authenticator.passkeys()).toMatchObject([{ rpId: 'localhost', isResidentCredential: true }]);
  await signOut(page);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expectPage(page, 'account');
  await expect(page.getByText(NEWCOMER.email)).toBeVisible();
});

test('an address that is taken, and a password that is too short, are refused beside their boxes', async ({ page, startServer }) => {
  const server = await open(startServer);
  const person = await server.person();
  await page.goto(server.url('/sign-up'));
  const box = page.getByRole('textbox', { name: 'Email' });

  await box.fill(person.email.toUpperCase());
  await page.getByLabel('Password').fill(NEWCOMER.password);
  await press(page, 'Create account');
  await expectPage(page, 'sign-up');
  await expect(page.getByRole('alert')).toHaveText(/No account can be made for this address here/);
  await expect(box).toHaveAccessibleDescription(/No account can be made/);
  await expect(box).toHaveValue(person.email.toUpperCase());
  await expect(page.getByLabel('Password')).toHaveValue('');

  await box.fill(NEWCOMER.email);
  await page.getByLabel('Password').fill('short');
  await press(page, 'Create account');
  await expect(page.getByRole('alert')).toHaveText(/at least 8 characters/);
  await expect(page.getByLabel('Password')).toHaveAccessibleDescription(/^At least 8 characters\..* Choose a password of at least 8 characters\.$/);
  await expect(box).toHaveValue(NEWCOMER.email);
  expect((await server.accounts()).map(({ email }) => email)).not.toContain(NEWCOMER.email);

  await test.step('the account that was there is untouched', async () => {
    await page.goto(server.url('/login'));
    await signIn(page, person);
    await expectPage(page, 'account');
  });
});

test('where addresses are limited to domains the page says so, and takes no others', async ({ page, startServer }) => {
  const server = await open(startServer, 'example.org,example.net');
  await page.goto(server.url('/login'));
  await page.getByRole('link', { name: 'Create an account' }).click();
  await expect(page.getByText('For addresses at example.org and example.net.')).toBeVisible();
  for (const email of ['a@example.com', 'a@evil.example.org', 'a@example.org.example.com']) {
    await page.getByRole('textbox', { name: 'Email' }).fill(email);
    await page.getByLabel('Password').fill(NEWCOMER.password);
    await press(page, 'Create account');
    await expect(page.getByRole('alert'), email).toHaveText(/No account can be made for this address here/);
  }
  await page.getByRole('textbox', { name: 'Email' }).fill('a@EXAMPLE.org');
  await page.getByLabel('Password').fill(NEWCOMER.password);
  await press(page, 'Create account');
  await expectPage(page, 'account');
  expect(await server.accounts()).toHaveLength(2);
});

test('whoever has an account already goes over to sign in, and the application waits', async ({ page, startServer, callback }) => {
  const server = await open(startServer);
  const client = await McpClient.connect(server.mcp, callback.uri);
  const person = await server.person();
  await page.goto(client.authorizationUrl(callback.uri));
  await page.getByRole('link', { name: 'Create an account' }).click();
  await page.getByRole('link', { name: 'Sign in instead' }).click();
  await expectPage(page, 'login');
  await signIn(page, person);
  await expectPage(page, 'consent');
  await page.goto(server.url('/sign-up'));
  await expectPage(page, 'account');
});
