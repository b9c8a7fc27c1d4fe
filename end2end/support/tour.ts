import type { Page } from '@playwright/test';
import { Authenticator } from './authenticator.ts';
import type { Callback } from './callback.ts';
import { McpClient } from './client.ts';
import { openAdminPage, allow, decide, expectPage, openAccount, press, section, signIn, submitPassword, openDetails } from './pages.ts';
import type { Options, User, Server } from './server.ts';
import { expect } from './test.ts';

/** The users, clients and servers of the pages. */
export interface Cast {
  /** A server with open sign-up and a replay window of zero. */
  server: Server;
  administrator: User;
  user: User;
  client: McpClient;
  callback: Callback;
}

const LONG = 'a.person.with.a.rather.long.address@department.of.many.words.example.com';
const FIREFOX = { userAgent: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0' };

export async function prepareCast(startServer: (options: Options) => Promise<Server>, callback: Callback): Promise<Cast> {
  const server = await startServer({ settings: { VESTIBULE_SIGN_UP: 'open', VESTIBULE_REFRESH_REPLAY_WINDOW: '0s' } });
  const [administrator, user] = [await server.administrator(), await server.user()];
  return { server, administrator, user, client: await McpClient.connect(server.mcp, callback.uri, 'Claude Code'), callback };
}

/** Opens all disclosures. */
export async function openAllDetails(page: Page): Promise<void> {
  await page.evaluate(() => {
    for (const step of document.querySelectorAll('details')) step.open = true;
  });
}

/** How to reach each page and state, from a browser without a session. */
export const TOUR: Record<string, (page: Page, cast: Cast) => Promise<void>> = {
  'sign-in': async (page, { client, callback }) => {
    await page.goto(client.authorizationUrl(callback.uri));
    await expectPage(page, 'login');
  },
  'sign-in after a wrong password': async (page, { client, callback, user }) => {
    await page.goto(client.authorizationUrl(callback.uri));
    await submitPassword(page, { ...user, password: 'not the password' });
    await expect(page.getByRole('alert')).toBeVisible();
  },
  'sign-in where a password was used': async (page, { server, client, callback, user }) => {
    await openAccount(page, server, user);
    await press(page, 'Sign out');
    await page.goto(client.authorizationUrl(callback.uri));
    await expect(page.getByText('Last used')).toBeVisible();
  },
  recovery: async (page, { client, callback }) => {
    await page.goto(client.authorizationUrl(callback.uri));
    await page.getByRole('link', { name: 'Use a recovery code' }).click();
    await expectPage(page, 'recover');
  },
  'recovery with a wrong code': async (page, { server, user }) => {
    await page.goto(server.url('/recover'));
    await page.getByRole('textbox', { name: 'Email' }).fill(user.email);
    await page.getByRole('textbox', { name: 'Recovery code' }).fill('AAAA-AAAA-AAAA-AAAA');
    await press(page, 'Sign in');
    await expect(page.getByRole('alert')).toBeVisible();
  },
  'sign-up': async (page, { client, callback }) => {
    await page.goto(client.authorizationUrl(callback.uri));
    await page.getByRole('link', { name: 'Create an account' }).click();
    await expectPage(page, 'sign-up');
  },
  'sign-up with an address that is taken': async (page, { server, user }) => {
    await page.goto(server.url('/sign-up'));
    await page.getByRole('textbox', { name: 'Email' }).fill(user.email);
    await page.getByLabel('Password').fill(user.password);
    await press(page, 'Create account');
    await expect(page.getByRole('alert')).toBeVisible();
  },
  offer: async (page, { client, callback, user }) => {
    await page.goto(client.authorizationUrl(callback.uri));
    await submitPassword(page, user);
    await expectPage(page, 'offer');
  },
  consent: async (page, { client, callback, user }) => {
    await page.goto(client.authorizationUrl(callback.uri));
    await signIn(page, user);
    await expectPage(page, 'consent');
  },
  enrolment: async (page, { server }) => {
    await page.goto(await server.enrolmentLink(LONG));
    await expectPage(page, 'enroll');
  },
  reset: async (page, { server, user }) => {
    await page.goto(await server.resetLink(user.email));
    await expectPage(page, 'reset');
  },
  problem: async (page, { client, callback }) => {
    await page.goto(client.authorizationUrl(callback.uri, { client_id: 'no-such-client' }));
    await expectPage(page, 'problem');
  },
  account: async (page, { server, user }) => openAccount(page, server, user),
  'account with everything': async (page, cast) => {
    await Authenticator.addTo(page);
    await fillAccount(page, cast);
    await page.goto(cast.server.url('/account'));
    await expect(section(page, 'Recent activity').locator('.caution')).toHaveCount(1);
  },
  'account with a password that is too short': async (page, { server, user }) => {
    await openAccount(page, server, user);
    await openDetails(section(page, 'Password'), 'Change password');
    await page.getByLabel('New password').fill('short');
    await press(page, 'Save password');
    await expect(page.getByRole('alert')).toBeVisible();
  },
  codes: async (page, { server, user }) => {
    await openAccount(page, server, user);
    await openDetails(section(page, 'Recovery codes'), 'Create recovery codes');
    await press(section(page, 'Recovery codes'), 'Create recovery codes');
    await expectPage(page, 'codes');
  },
  confirm: async (page, { server, user }) => {
    await Authenticator.addTo(page);
    await openAccount(page, server, user);
    await page.getByRole('button', { name: 'Create a passkey' }).click();
    await expect(section(page, 'Passkeys').getByRole('listitem')).toHaveCount(1);
    await page.goto(server.url('/confirm?then=account'));
    await expectPage(page, 'confirm');
  },
  'admin-accounts': async (page, { server, administrator, user }) => {
    await server.enrolmentLink(LONG);
    await server.json(['account', 'disable', user.email]);
    await openAdminPage(page, server, administrator, 'accounts');
  },
  'admin-accounts after an invitation': async (page, { server, administrator }) => {
    await openAdminPage(page, server, administrator, 'accounts');
    await openDetails(page.getByRole('main'), 'Invite someone');
    await page.getByRole('textbox', { name: 'Email' }).fill(LONG);
    await press(page, 'Invite');
    await expect(page.getByLabel('One-time link')).toBeVisible();
  },
  'admin-accounts after a refusal': async (page, { server, administrator, user }) => {
    await openAdminPage(page, server, administrator, 'accounts');
    await openDetails(page.getByRole('main'), 'Invite someone');
    await page.getByRole('textbox', { name: 'Email' }).fill(user.email);
    await press(page, 'Invite');
    await expect(page.getByRole('alert')).toBeVisible();
  },
  'admin-applications': async (page, { server, administrator, client, callback }) => {
    await McpClient.connect(server.mcp, callback.uri, 'The W'.repeat(40));
    await McpClient.connect(server.mcp, 'https://a.host.with.many.parts.and.a.long.name.example.com/callback', 'Web Client');
    await server.json(['client', 'add', '--name', 'Payroll', '--redirect-uri', callback.uri, '--confidential']);
    await server.command(['client', 'block', 'evil.example']);
    await openAdminPage(page, server, administrator, 'applications');
    await expect(page.getByText(client.clientId).first()).toBeVisible();
  },
  'admin-applications after adding one': async (page, { server, administrator, callback }) => {
    await openAdminPage(page, server, administrator, 'applications');
    await openDetails(page.getByRole('main'), 'Add application');
    await page.getByRole('textbox', { name: 'Name' }).fill('Payroll');
    await page.getByRole('textbox', { name: 'Redirect URIs' }).fill(callback.uri);
    await press(page, 'Add');
    await expect(page.getByLabel('Client secret')).toBeVisible();
  },
  'admin-applications after a refusal': async (page, { server, administrator }) => {
    await openAdminPage(page, server, administrator, 'applications');
    await openDetails(page.getByRole('main'), 'Add application');
    await page.getByRole('textbox', { name: 'Name' }).fill('Payroll');
    await page.getByRole('textbox', { name: 'Redirect URIs' }).fill('http://evil.example/callback');
    await press(page, 'Add');
    await expect(page.getByRole('alert')).toBeVisible();
  },
  'admin-resources': async (page, { server, administrator }) => openAdminPage(page, server, administrator, 'resources'),
  'admin-keys': async (page, { server, administrator }) => {
    await server.json(['key', 'rotate']);
    await openAdminPage(page, server, administrator, 'keys');
  },
  'admin-failures': async (page, { server, administrator, client, callback }) => {
    for (const changes of [{ client_id: 'long-gone'.repeat(12) }, { redirect_uri: 'https://evil.example/callback' }]) {
      await fetch(client.authorizationUrl(callback.uri, changes), { redirect: 'manual' });
    }
    await openAdminPage(page, server, administrator, 'failures');
  },
  'admin-audit': async (page, cast) => {
    const { server, administrator } = cast;
    await fillAccount(page, cast, { withPasskey: false });
    await page.goto(server.url('/account'));
    await press(page, 'Sign out');
    await openAdminPage(page, server, administrator, 'audit');
  },
  'not for everybody': async (page, { server, user }) => {
    await openAccount(page, server, user);
    await page.goto(server.url('/admin/accounts'));
    await expectPage(page, 'problem');
  },
};

/** Gives an account everything: a passkey, recovery codes, another session, a connection, and one that a replay ended. */
async function fillAccount(page: Page, { server, client, callback, user }: Cast, { withPasskey = true } = {}): Promise<void> {
  const tokens = await allow(page, client, callback, user);
  await client.refresh(tokens.refresh_token);
  await client.refresh(tokens.refresh_token);
  await page.goto(client.authorizationUrl(callback.uri));
  await decide(page, 'Allow');
  await expect.poll(() => callback.answers.length).toBe(2);
  await client.exchange(callback.answers[1]!, callback.uri);
  const elsewhere = await page.context().browser()!.newContext(FIREFOX);
  await openAccount(await elsewhere.newPage(), server, user);
  await elsewhere.close();
  await page.goto(server.url('/account'));
  if (withPasskey) {
    await page.getByRole('button', { name: 'Create a passkey' }).click();
    await expect(section(page, 'Passkeys').getByRole('listitem')).toHaveCount(1);
  }
  await openDetails(section(page, 'Recovery codes'), 'Create recovery codes');
  await press(section(page, 'Recovery codes'), 'Create recovery codes');
}
