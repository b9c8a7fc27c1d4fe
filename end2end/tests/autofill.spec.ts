import type { Page } from '@playwright/test';
import { Authenticator } from '../support/authenticator.ts';
import { decide, expectPage, openAccount, section, signIn, signOut } from '../support/pages.ts';
import type { User, Server } from '../support/server.ts';
import { expect, test } from '../support/test.ts';

// Headless Chromium shows no list below the field. Without an authenticator, or with one without user presence, a conditional
// request waits. With user presence and a passkey, it is as if the user had selected that passkey.

/** A WebAuthn request of a page, and its outcome. */
interface Asked {
  mediation: string;
  outcome: string;
}

/** Records the calls of `navigator.credentials`, from the next page on. */
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

/** A login page whose authenticator has a passkey of the user, without user presence. */
async function withPasskey(page: Page, server: Server, user: User): Promise<Authenticator> {
  const authenticator = await Authenticator.addTo(page, { autofill: true });
  await openAccount(page, server, user);
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expect(section(page, 'Passkeys').getByRole('listitem')).toHaveCount(1);
  await authenticator.setUserPresence(false);
  await signOut(page);
  return authenticator;
}

const WAITING = { mediation: 'conditional', outcome: 'pending' };

test('the field "Email" offers passkeys as soon as the page has loaded, and a password works too', async ({ page, user, client, callback }) => {
  const asked = await listen(page);
  await page.goto(client.authorizationUrl(callback.uri));
  await expect(page.getByRole('textbox', { name: 'Email' })).toHaveAttribute('autocomplete', 'username webauthn');
  await expect.poll(asked).toEqual([WAITING]);
  await expect(page.getByRole('alert')).toHaveCount(0);
  await signIn(page, user);
  await expectPage(page, 'consent');
});

test('a passkey that is selected in the field signs in to the requesting application', async ({ page, server, user, client, callback }) => {
  const authenticator = await withPasskey(page, server, user);
  // The previous page must not be the one where the passkey is selected.
  await page.goto('about:blank');
  await authenticator.setUserPresence(true);
  await page.goto(client.authorizationUrl(callback.uri));
  await decide(page, 'Allow');
  await expect(page).toHaveURL(/\/callback\?code=/);
  const tokens = await client.exchange(callback.answer, callback.uri);
  expect((await client.me(tokens.access_token)).status).toBe(200);
  await page.goto(server.url('/account'));
  await expect(section(page, 'Recent activity')).toContainText('You signed in with a passkey');
});

test('the button cancels the offer, and works', async ({ page, server, user }) => {
  const asked = await listen(page);
  const authenticator = await withPasskey(page, server, user);
  await expect.poll(asked).toEqual([WAITING]);
  await authenticator.setUserPresence(true);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expectPage(page, 'account');
});

test('after a closed dialog the field offers passkeys again', async ({ page, server, user }) => {
  const asked = await listen(page);
  const authenticator = await withPasskey(page, server, user);
  await expect.poll(asked).toEqual([WAITING]);
  await authenticator.failUserVerification();
  await authenticator.setUserPresence(true);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page.getByRole('alert')).toHaveText(/No passkey was used/);
  await expect.poll(asked).toMatchObject([
    { mediation: 'conditional', outcome: 'AbortError' },
    { mediation: 'optional', outcome: 'NotAllowedError' },
    { mediation: 'conditional' },
  ]);
  await signIn(page, user);
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
  test(`a browser that ${what} gets no request, and no message`, async ({ page, server, user }) => {
    await page.addInitScript(change);
    const asked = await listen(page);
    await page.goto(server.url('/login'));
    await expect(page.getByRole('button', { name: 'Sign in with a passkey' })).toBeEnabled();
    await page.waitForLoadState('networkidle');
    expect(await asked()).toEqual([]);
    await expect(page.getByRole('alert')).toHaveCount(0);
    await signIn(page, user);
    await expectPage(page, 'account');
  });
}

test('when the server does not answer the field\'s request, there is no message, and a password works', async ({ page, server, user, complaints }) => {
  complaints.tolerate(/status of 503/);
  const asked = await listen(page);
  await page.route(/start_passkey_sign_in/, (route) => route.fulfill({ status: 503, json: 'unavailable' }));
  const refused = page.waitForResponse(/start_passkey_sign_in/);
  await page.goto(server.url('/login'));
  expect((await refused).status()).toBe(503);
  await page.waitForLoadState('networkidle');
  expect(await asked()).toEqual([]);
  await expect(page.getByRole('alert')).toHaveCount(0);
  await signIn(page, user);
  await expectPage(page, 'account');
});

test('the confirmation page offers nothing in a field, and pages without islands request nothing', async ({ page, server, user }) => {
  const asked = await listen(page);
  await openAccount(page, server, user);
  for (const path of ['/confirm?then=account', '/account']) {
    await page.goto(server.url(path));
    await page.waitForLoadState('networkidle');
    expect(await asked(), path).toEqual([]);
  }
});
