import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';
import { Authenticator } from '../support/authenticator.ts';
import { McpClient } from '../support/client.ts';
import { type Cookies, Table } from '../support/measure.ts';
import { expectPage, submitPassword } from '../support/pages.ts';
import type { User, Server } from '../support/server.ts';
import { expect, test } from '../support/test.ts';

const TABLE = fileURLToPath(new URL('../test-results/pages.md', import.meta.url));
const LOADS = 7;

test('speed and size of every page', async ({ browser, page, startServer, callback }) => {
  test.setTimeout(900_000);
  const server = await startServer({ settings: { VESTIBULE_SIGN_UP: 'open' } });
  const table = new Table(browser, server.issuer, LOADS);
  try {
    const user = await measureArrival(table, server);
    const signedIn = await measureAccount(table, server, page, user);
    const client = await McpClient.connect(server.mcp, callback.uri);
    await page.goto(client.authorizationUrl(callback.uri));
    await expectPage(page, 'consent');
    await table.add('`/consent`', 'consent', page.url(), await page.context().storageState());
    for (const section of ['accounts', 'applications', 'resources', 'keys', 'failures', 'audit']) {
      await table.add(`\`/admin/${section}\``, `admin-${section}`, `/admin/${section}`, signedIn);
    }
    await table.add('nothing there', 'problem', '/no/such/page');
  } finally {
    await mkdir(dirname(TABLE), { recursive: true });
    await writeFile(TABLE, `${table.markdown()}\n`);
  }
  expect(table.faults).toEqual([]);
});

/** Measures the pages without a session; returns a user with an account. */
async function measureArrival(table: Table, server: Server): Promise<User> {
  // The setup page exists until there is an account.
  await table.add('`/setup/…`', 'setup', await server.firstAccountLink());
  await table.add('`/login`', 'login', '/login');
  await table.add('`/recover`', 'recover', '/recover');
  await table.add('`/sign-up`', 'sign-up', '/sign-up');
  await table.add('`/enroll/…`', 'enroll', await server.enrolmentLink('bob@example.com'));
  const user = await server.user();
  const { link } = await server.json<{ link: string }>(['account', 'reset', user.email]);
  await table.add('`/reset/…`', 'reset', link);
  return user;
}

/** Measures the pages of a user's account. The user is an administrator with a passkey afterwards; returns their cookies. */
async function measureAccount(table: Table, server: Server, page: Page, user: User): Promise<Cookies> {
  await server.json(['account', 'role', user.email, 'administrator']);
  await Authenticator.addTo(page);
  await page.goto(server.url('/login'));
  await submitPassword(page, user);
  await expectPage(page, 'offer');
  await table.add('`/passkey`', 'offer', '/passkey', await page.context().storageState());
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expectPage(page, 'account');
  const signedIn = await page.context().storageState();
  await table.add('`/account`', 'account', '/account', signedIn);
  await table.add('`/account/codes`', 'codes', '/account/codes', await withFreshCodes(page));
  await table.add('`/confirm`', 'confirm', '/confirm?then=account', signedIn);
  return signedIn;
}

/** The cookies of a browser that created recovery codes and has not shown them yet, since they are shown once. */
async function withFreshCodes(page: Page): Promise<Cookies> {
  await page.evaluate(async () => {
    const form = document.querySelector<HTMLFormElement>('form[action$="/make_recovery_codes"]');
    if (!form) throw new Error('nothing makes recovery codes here');
    const fields = [...new FormData(form)].map(([name, value]) => [name, String(value)]);
    await fetch(form.action, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual' });
  });
  return page.context().storageState();
}
