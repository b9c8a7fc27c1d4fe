import type { Page } from '@playwright/test';
import { Authenticator } from '../support/authenticator.ts';
import { decide, expectPage, openAccount, section, signIn, signOut } from '../support/pages.ts';
import type { Person, Server } from '../support/server.ts';
import { expect, test } from '../support/test.ts';

// Headless Chromium shows no list under the box. Without an authenticator, or with one that no finger lies on, a conditional
// request waits; with a finger on one that holds a passkey, it is as if the person had picked that passkey.

/** What a page asked the browser for, and what came of it. */
interface Asked {
  mediation: string;
  outcome: string;
}

/** Listens to what the page's script asks `navigator.credentials` for, from its next page on. */
async function listen(page: Page): Promise<() => Promise<Asked[]>> {
  await page.addInitScript(() => {
    const asked: Asked[] = [];
    Object.assign(window, { asked });
    if (!('credentials' in navigator)) return;
    const get = navigator.credentials.get.bind(navigator.credentials);
    navigator.credentials.get = async (options) => {
      const one: Asked = { mediation: options?.mediation ?? 'optional', outcome: 'pending' };
      asked.push(one);
      try {
        const credential = await get(options);
        one.outcome = 'picked';
        return credential;
      } catch (fault) {
        one.outcome = (fault as DOMException).name;
        throw fault;
      }
    };
  });
  return () => page.evaluate(() => (window as unknown as { asked: Asked[] }).asked);
}

/** A page whose authenticator holds a passkey of the person, on the way to sign in again, with no finger on it. */
async function withPasskey(page: Page, server: Server, person: Person): Promise<Authenticator> {
  const authenticator = await Authenticator.plugInto(page, { autofill: true });
  await openAccount(page, server, person);
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expect(section(page, 'Passkeys').getByRole('listitem')).toHaveCount(1);
  await authenticator.hasFinger(false);
  await signOut(page);
  return authenticator;
}

const WAITING = { mediation: 'conditional', outcome: 'pending' };

test('the box "Email" offers passkeys as soon as the page is there, and a password works all the same', async ({ page, person, client, callback }) => {
  const asked = await listen(page);
  await page.goto(client.authorizationUrl(callback.uri));
  await expect(page.getByRole('textbox', { name: 'Email' })).toHaveAttribute('autocomplete', 'username webauthn');
  await expect.poll(asked).toEqual([WAITING]);
  await expect(page.getByRole('alert')).toHaveCount(0);
  await signIn(page, person);
  await expectPage(page, 'consent');
});

test('a passkey that is picked in the box signs in to the application that asks', async ({ page, server, person, client, callback }) => {
  const authenticator = await withPasskey(page, server, person);
  // The page that is left must not be the one where the passkey is picked.
  await page.goto('about:blank');
  await authenticator.hasFinger(true);
  await page.goto(client.authorizationUrl(callback.uri));
  await decide(page, 'Allow');
  await expect(page).toHaveURL(/\/callback\?code=/);
  const tokens = await client.exchange(callback.answer, callback.uri);
  expect((await client.me(tokens.access_token)).status).toBe(200);
  await page.goto(server.url('/account'));
  await expect(section(page, 'Recent activity')).toContainText('You signed in with a passkey');
});

test('the button calls the offer off, and works', async ({ page, server, person }) => {
  const asked = await listen(page);
  const authenticator = await withPasskey(page, server, person);
  await expect.poll(asked).toEqual([WAITING]);
  await authenticator.hasFinger(true);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expectPage(page, 'account');
});

test('after a dialog that was closed the box offers passkeys again', async ({ page, server, person }) => {
  const asked = await listen(page);
  const authenticator = await withPasskey(page, server, person);
  await expect.poll(asked).toEqual([WAITING]);
  await authenticator.failToVerify();
  await authenticator.hasFinger(true);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page.getByRole('alert')).toHaveText(/No passkey was used/);
  await expect.poll(asked).toMatchObject([
    { mediation: 'conditional', outcome: 'AbortError' },
    { mediation: 'optional', outcome: 'NotAllowedError' },
    { mediation: 'conditional' },
  ]);
  await signIn(page, person);
  await expectPage(page, 'account');
});

for (const [what, change] of [
  [
    'has no such question',
    () => Object.defineProperty(PublicKeyCredential, 'isConditionalMediationAvailable', { value: undefined }),
  ],
  ['says that it cannot', () => (PublicKeyCredential.isConditionalMediationAvailable = () => Promise.resolve(false))],
  ['fails to say', () => (PublicKeyCredential.isConditionalMediationAvailable = () => Promise.reject(new Error('no')))],
  ['has no passkeys at all', () => Object.defineProperty(window, 'PublicKeyCredential', { value: undefined })],
] as const) {
  test(`a browser that ${what} is not asked, and nothing is said of it`, async ({ page, server, person }) => {
    await page.addInitScript(change);
    const asked = await listen(page);
    await page.goto(server.url('/login'));
    await expect(page.getByRole('button', { name: 'Sign in with a passkey' })).toBeEnabled();
    await page.waitForLoadState('networkidle');
    expect(await asked()).toEqual([]);
    await expect(page.getByRole('alert')).toHaveCount(0);
    await signIn(page, person);
    await expectPage(page, 'account');
  });
}

test('when the server does not answer what the box asks, nothing is said, and a password works', async ({ page, server, person, complaints }) => {
  complaints.tolerate(/status of 503/);
  const asked = await listen(page);
  await page.route(/start_passkey_sign_in/, (route) => route.fulfill({ status: 503, json: 'unavailable' }));
  const refused = page.waitForResponse(/start_passkey_sign_in/);
  await page.goto(server.url('/login'));
  expect((await refused).status()).toBe(503);
  await page.waitForLoadState('networkidle');
  expect(await asked()).toEqual([]);
  await expect(page.getByRole('alert')).toHaveCount(0);
  await signIn(page, person);
  await expectPage(page, 'account');
});

test('the page to confirm offers nothing in a box, and pages without islands ask for nothing', async ({ page, server, person }) => {
  const asked = await listen(page);
  await openAccount(page, server, person);
  for (const path of ['/confirm?then=account', '/account']) {
    await page.goto(server.url(path));
    await page.waitForLoadState('networkidle');
    expect(await asked(), path).toEqual([]);
  }
});
