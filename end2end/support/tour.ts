import type { Page } from '@playwright/test';
import { Authenticator } from './authenticator.ts';
import type { Callback } from './callback.ts';
import { McpClient } from './client.ts';
import { administrate, allow, decide, expectPage, openAccount, press, section, signIn, typePassword, unfold } from './pages.ts';
import type { Options, Person, Server } from './server.ts';
import { expect } from './test.ts';

/** Who and what the pages are about. */
export interface Cast {
  /** Lets people sign up, and forgives no replay. */
  server: Server;
  administrator: Person;
  person: Person;
  client: McpClient;
  callback: Callback;
}

const LONG = 'a.person.with.a.rather.long.address@department.of.many.words.example.com';
const FIREFOX = { userAgent: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0' };

export async function gather(startServer: (options: Options) => Promise<Server>, callback: Callback): Promise<Cast> {
  const server = await startServer({ settings: { VESTIBULE_SIGN_UP: 'open', VESTIBULE_REFRESH_REPLAY_WINDOW: '0s' } });
  const [administrator, person] = [await server.administrator(), await server.person()];
  return { server, administrator, person, client: await McpClient.connect(server.mcp, callback.uri, 'Claude Code'), callback };
}

/** Opens every second step there is. */
export async function unfoldAll(page: Page): Promise<void> {
  await page.evaluate(() => {
    for (const step of document.querySelectorAll('details')) step.open = true;
  });
}

/** How to get to each page and state, from a browser nobody is signed in with. */
export const TOUR: Record<string, (page: Page, cast: Cast) => Promise<void>> = {
  'sign-in': async (page, { client, callback }) => {
    await page.goto(client.authorizationUrl(callback.uri));
    await expectPage(page, 'login');
  },
  'sign-in after a wrong password': async (page, { client, callback, person }) => {
    await page.goto(client.authorizationUrl(callback.uri));
    await typePassword(page, { ...person, password: 'not the password' });
    await expect(page.getByRole('alert')).toBeVisible();
  },
  'sign-in where a password was used': async (page, { server, client, callback, person }) => {
    await openAccount(page, server, person);
    await press(page, 'Sign out');
    await page.goto(client.authorizationUrl(callback.uri));
    await expect(page.getByText('Used here last time')).toBeVisible();
  },
  recovery: async (page, { client, callback }) => {
    await page.goto(client.authorizationUrl(callback.uri));
    await page.getByRole('link', { name: 'Use a recovery code' }).click();
    await expectPage(page, 'recover');
  },
  'recovery with a wrong code': async (page, { server, person }) => {
    await page.goto(server.url('/recover'));
    await page.getByRole('textbox', { name: 'Email' }).fill(person.email);
    await page.getByRole('textbox', { name: 'Recovery code' }).fill('AAAA-AAAA-AAAA-AAAA');
    await press(page, 'Sign in');
    await expect(page.getByRole('alert')).toBeVisible();
  },
  'sign-up': async (page, { client, callback }) => {
    await page.goto(client.authorizationUrl(callback.uri));
    await page.getByRole('link', { name: 'Create an account' }).click();
    await expectPage(page, 'sign-up');
  },
  'sign-up with an address that is taken': async (page, { server, person }) => {
    await page.goto(server.url('/sign-up'));
    await page.getByRole('textbox', { name: 'Email' }).fill(person.email);
    await page.getByLabel('Password').fill(person.password);
    await press(page, 'Create account');
    await expect(page.getByRole('alert')).toBeVisible();
  },
  offer: async (page, { client, callback, person }) => {
    await page.goto(client.authorizationUrl(callback.uri));
    await typePassword(page, person);
    await expectPage(page, 'offer');
  },
  consent: async (page, { client, callback, person }) => {
    await page.goto(client.authorizationUrl(callback.uri));
    await signIn(page, person);
    await expectPage(page, 'consent');
  },
  enrolment: async (page, { server }) => {
    await page.goto(await server.enrolmentLink(LONG));
    await expectPage(page, 'enroll');
  },
  reset: async (page, { server, person }) => {
    await page.goto(await server.resetLink(person.email));
    await expectPage(page, 'reset');
  },
  problem: async (page, { client, callback }) => {
    await page.goto(client.authorizationUrl(callback.uri, { client_id: 'no-such-client' }));
    await expectPage(page, 'problem');
  },
  account: async (page, { server, person }) => openAccount(page, server, person),
  'account with everything': async (page, cast) => {
    await Authenticator.plugInto(page);
    await furnish(page, cast);
    await page.goto(cast.server.url('/account'));
    await expect(section(page, 'Recent activity').locator('.caution')).toHaveCount(1);
  },
  'account with a password that is too short': async (page, { server, person }) => {
    await openAccount(page, server, person);
    await unfold(section(page, 'Password'), 'Change password');
    await page.getByLabel('New password').fill('short');
    await press(page, 'Save password');
    await expect(page.getByRole('alert')).toBeVisible();
  },
  codes: async (page, { server, person }) => {
    await openAccount(page, server, person);
    await unfold(section(page, 'Recovery codes'), 'Make recovery codes');
    await press(section(page, 'Recovery codes'), 'Make recovery codes');
    await expectPage(page, 'codes');
  },
  confirm: async (page, { server, person }) => {
    await Authenticator.plugInto(page);
    await openAccount(page, server, person);
    await page.getByRole('button', { name: 'Create a passkey' }).click();
    await expect(section(page, 'Passkeys').getByRole('listitem')).toHaveCount(1);
    await page.goto(server.url('/confirm?then=account'));
    await expectPage(page, 'confirm');
  },
  'admin-accounts': async (page, { server, administrator, person }) => {
    await server.enrolmentLink(LONG);
    await server.json(['account', 'disable', person.email]);
    await administrate(page, server, administrator, 'accounts');
  },
  'admin-accounts after an invitation': async (page, { server, administrator }) => {
    await administrate(page, server, administrator, 'accounts');
    await unfold(page.getByRole('main'), 'Invite somebody');
    await page.getByRole('textbox', { name: 'Email' }).fill(LONG);
    await press(page, 'Invite');
    await expect(page.getByLabel('One-time link')).toBeVisible();
  },
  'admin-accounts after a refusal': async (page, { server, administrator, person }) => {
    await administrate(page, server, administrator, 'accounts');
    await unfold(page.getByRole('main'), 'Invite somebody');
    await page.getByRole('textbox', { name: 'Email' }).fill(person.email);
    await press(page, 'Invite');
    await expect(page.getByRole('alert')).toBeVisible();
  },
  'admin-applications': async (page, { server, administrator, client, callback }) => {
    await McpClient.connect(server.mcp, callback.uri, 'The W'.repeat(40));
    await McpClient.connect(server.mcp, 'https://a.host.with.many.parts.and.a.long.name.example.com/callback', 'Web Client');
    await server.json(['client', 'add', '--name', 'Payroll', '--redirect-uri', callback.uri, '--confidential']);
    await server.command(['client', 'block', 'evil.example']);
    await administrate(page, server, administrator, 'applications');
    await expect(page.getByText(client.clientId).first()).toBeVisible();
  },
  'admin-applications after adding one': async (page, { server, administrator, callback }) => {
    await administrate(page, server, administrator, 'applications');
    await unfold(page.getByRole('main'), 'Add an application');
    await page.getByRole('textbox', { name: 'Name' }).fill('Payroll');
    await page.getByRole('textbox', { name: 'Redirect URIs' }).fill(callback.uri);
    await press(page, 'Add');
    await expect(page.getByLabel('Client secret')).toBeVisible();
  },
  'admin-applications after a refusal': async (page, { server, administrator }) => {
    await administrate(page, server, administrator, 'applications');
    await unfold(page.getByRole('main'), 'Add an application');
    await page.getByRole('textbox', { name: 'Name' }).fill('Payroll');
    await page.getByRole('textbox', { name: 'Redirect URIs' }).fill('http://evil.example/callback');
    await press(page, 'Add');
    await expect(page.getByRole('alert')).toBeVisible();
  },
  'admin-resources': async (page, { server, administrator }) => administrate(page, server, administrator, 'resources'),
  'admin-keys': async (page, { server, administrator }) => {
    await server.json(['key', 'rotate']);
    await administrate(page, server, administrator, 'keys');
  },
  'admin-failures': async (page, { server, administrator, client, callback }) => {
    for (const changes of [{ client_id: 'long-gone'.repeat(12) }, { redirect_uri: 'https://evil.example/callback' }]) {
      await fetch(client.authorizationUrl(callback.uri, changes), { redirect: 'manual' });
    }
    await administrate(page, server, administrator, 'failures');
  },
  'admin-audit': async (page, cast) => {
    const { server, administrator } = cast;
    await furnish(page, cast, { withPasskey: false });
    await page.goto(server.url('/account'));
    await press(page, 'Sign out');
    await administrate(page, server, administrator, 'audit');
  },
  'not for everybody': async (page, { server, person }) => {
    await openAccount(page, server, person);
    await page.goto(server.url('/admin/accounts'));
    await expectPage(page, 'problem');
  },
};

/** Gives an account whatever it can have: a passkey, codes, another browser, a connection, and one that a replay ended. */
async function furnish(page: Page, { server, client, callback, person }: Cast, { withPasskey = true } = {}): Promise<void> {
  const tokens = await allow(page, client, callback, person);
  await client.refresh(tokens.refresh_token);
  await client.refresh(tokens.refresh_token);
  await page.goto(client.authorizationUrl(callback.uri));
  await decide(page, 'Allow');
  await expect.poll(() => callback.answers.length).toBe(2);
  await client.exchange(callback.answers[1]!, callback.uri);
  const elsewhere = await page.context().browser()!.newContext(FIREFOX);
  await openAccount(await elsewhere.newPage(), server, person);
  await elsewhere.close();
  await page.goto(server.url('/account'));
  if (withPasskey) {
    await page.getByRole('button', { name: 'Create a passkey' }).click();
    await expect(section(page, 'Passkeys').getByRole('listitem')).toHaveCount(1);
  }
  await unfold(section(page, 'Recovery codes'), 'Make recovery codes');
  await press(section(page, 'Recovery codes'), 'Make recovery codes');
}
