import type { Page } from '@playwright/test';
import { Authenticator } from '../support/authenticator.ts';
import { WAYS, decide, decline, expectPage, openAccount, press, race, section, signOut, navigate, openDetails } from '../support/pages.ts';
import type { User, Server } from '../support/server.ts';
import { expect, test } from '../support/test.ts';

/** Four groups of four letters that cannot be confused. */
const CODE = /^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$/;
const REFUSED = 'Incorrect email or recovery code. Each code works once.';

/** Creates codes on the account page; returns them. */
async function makeCodes(page: Page): Promise<string[]> {
  const part = section(page, 'Recovery codes');
  const words = (await part.getByText('No recovery codes').count()) ? 'Create recovery codes' : 'Create new codes';
  await openDetails(part, words);
  await press(part, words);
  await expectPage(page, 'codes');
  return page.locator('ol.codes code').allTextContents();
}

/** Signs in, creates codes, and signs out again. */
async function codesOf(page: Page, server: Server, user: User, withPasskey = false): Promise<string[]> {
  await openAccount(page, server, user);
  if (withPasskey) {
    await page.getByRole('button', { name: 'Create a passkey' }).click();
    await expect(section(page, 'Passkeys').getByRole('listitem')).toHaveCount(1);
  }
  const codes = await makeCodes(page);
  await page.getByRole('link', { name: 'Done' }).click();
  await signOut(page);
  return codes;
}

/** Enters an address and a code on the recovery page. */
async function type(page: Page, email: string, code: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Email' }).fill(email);
  await page.getByRole('textbox', { name: 'Recovery code' }).fill(code);
}

for (const { javaScriptEnabled, way } of WAYS) {
  test(`ten codes are created, shown once, and each signs in once, ${way}`, async ({ anotherBrowser, server, user, client, callback }) => {
    const page = await anotherBrowser({ javaScriptEnabled });
    await openAccount(page, server, user);
    await expect(section(page, 'Recovery codes')).toContainText('No recovery codes');
    const codes = await makeCodes(page);
    await expect(page.getByRole('heading', { name: 'Your recovery codes' })).toBeVisible();
    await expect(page.getByText(user.email)).toBeVisible();
    expect(new Set(codes).size).toBe(10);
    for (const code of codes) expect(code).toMatch(CODE);

    await test.step('they are not shown again', async () => {
      await page.reload();
      await expectPage(page, 'account');
      await page.goto(server.url('/account/codes'));
      await expectPage(page, 'account');
      for (const code of codes) expect(await page.content()).not.toContain(code);
      await expect(section(page, 'Recovery codes')).toContainText('10 of 10 left · created just now');
    });

    await test.step('one leads from the application to the question, however it is typed', async () => {
      await signOut(page);
      await page.goto(client.authorizationUrl(callback.uri));
      await page.getByRole('link', { name: 'Use a recovery code' }).click();
      await expectPage(page, 'recover');
      await expect(page.getByText('to let Test Client use Notes')).toBeVisible();
      await type(page, user.email, codes[3]!.toLowerCase().replaceAll('-', ' '));
      await press(page, 'Sign in');
      await decline(page);
      await decide(page, 'Allow');
      await expect(page).toHaveURL(/\/callback\?code=/);
    });

    await test.step('it is used up', async () => {
      await page.goto(server.url('/account'));
      await expect(section(page, 'Recovery codes')).toContainText('9 of 10 left');
      await expect(section(page, 'Recent activity')).toContainText('You signed in with a recovery code');
      await signOut(page);
      await page.goto(server.url('/recover'));
      await type(page, user.email, codes[3]!);
      await press(page, 'Sign in');
      await expectPage(page, 'recover');
      await expect(page.getByRole('alert')).toHaveText(REFUSED);
      await expect(page.getByRole('textbox', { name: 'Email' })).toHaveValue(user.email);
      await expect(page.getByRole('textbox', { name: 'Recovery code' })).toHaveValue('');
      expect(page.url()).not.toContain(codes[3]!);
    });

    await test.step('there is a way back to the other ways, and another code works', async () => {
      await page.getByRole('link', { name: 'Sign in another way' }).click();
      await expectPage(page, 'login');
      await page.goto(server.url('/recover'));
      await type(page, user.email, codes[4]!);
      await press(page, 'Sign in');
      await decline(page);
      await expectPage(page, 'account');
    });
  });
}

test('new codes replace the old ones, as the confirmation says', async ({ page, server, user }) => {
  await openAccount(page, server, user);
  const old = await makeCodes(page);
  await page.getByRole('link', { name: 'Done' }).click();
  await expectPage(page, 'account');
  const part = section(page, 'Recovery codes');
  await expect(part.getByText('Your current codes will stop working.')).toBeHidden();
  await openDetails(part, 'Create new codes');
  await expect(part.getByText('Your current codes will stop working.')).toBeVisible();
  await openDetails(part, 'Create new codes');
  const fresh = await makeCodes(page);
  expect(fresh.filter((code) => old.includes(code))).toEqual([]);
  await page.getByRole('link', { name: 'Done' }).click();
  await signOut(page);
  await page.goto(server.url('/recover'));
  await type(page, user.email, old[0]!);
  await press(page, 'Sign in');
  await expect(page.getByRole('alert')).toHaveText(REFUSED);
  await type(page, user.email, fresh[0]!);
  await press(page, 'Sign in');
  await decline(page);
  await expectPage(page, 'account');
});

test('printed codes have their account, dark on light, without buttons', async ({ page, server, user }) => {
  await openAccount(page, server, user);
  const codes = await makeCodes(page);
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  await expect(page.locator('ol.codes code')).toHaveText(codes);
  await expect(page.locator('ol.codes code').last()).toBeVisible();
  await expect(page.getByText(user.email)).toBeVisible();
  for (const control of await page.locator('a, button, summary').all()) await expect(control).toBeHidden();
  const ink = await page.locator('ol.codes code').first().evaluate((code) => {
    const canvas = document.createElement('canvas').getContext('2d')!;
    canvas.fillStyle = getComputedStyle(code).color;
    canvas.fillRect(0, 0, 1, 1);
    return Math.max(...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3));
  });
  expect(ink).toBeLessThan(100);
});

test('T-F45 a code of another user and an unknown address get the same error', async ({ page, server, user }) => {
  const codes = await codesOf(page, server, user);
  const other = await server.user('other');
  for (const email of [other.email, 'nobody.at.all@example.com']) {
    await page.goto(server.url('/recover'));
    await type(page, email, codes[0]!);
    await press(page, 'Sign in');
    await expect(page.getByRole('alert')).toHaveText(REFUSED);
  }
  await type(page, user.email, codes[0]!);
  await press(page, 'Sign in');
  await decline(page);
  await expectPage(page, 'account');
});

test('T-F44 two browsers with the same recovery code: one succeeds', async ({ page, server, user, anotherBrowser }) => {
  const codes = await codesOf(page, server, user);
  const browsers = [page, await anotherBrowser({ javaScriptEnabled: false })];
  for (const browser of browsers) {
    await browser.goto(server.url('/recover'));
    await type(browser, user.email, codes[0]!);
  }
  const outcome = await race(browsers, 'Sign in');
  expect([...outcome].sort()).toEqual(['offer', 'recover']);
  const winner = outcome.indexOf('offer');
  await expect(browsers[1 - winner]!.getByRole('alert')).toHaveText(REFUSED);
  await decline(browsers[winner]!);
  await expect(section(browsers[winner]!, 'Recovery codes')).toContainText('9 of 10 left');
});

test('a user who lost a passkey signs in with a code, and is offered a new passkey', async ({ page, server, user, client, callback, anotherBrowser }) => {
  await Authenticator.addTo(page);
  const codes = await codesOf(page, server, user, true);
  const elsewhere = await anotherBrowser({});
  const authenticator = await Authenticator.addTo(elsewhere);
  await elsewhere.goto(client.authorizationUrl(callback.uri));
  await elsewhere.getByRole('link', { name: 'Use a recovery code' }).click();
  await type(elsewhere, user.email, codes[0]!);
  await press(elsewhere, 'Sign in');
  await expectPage(elsewhere, 'offer');
  await elsewhere.getByRole('button', { name: 'Create a passkey' }).click();
  await decide(elsewhere, 'Allow');
  await expect(elsewhere).toHaveURL(/\/callback\?code=/);
  expect(await authenticator.passkeys()).toHaveLength(1);
});

test('guesses of codes are rate-limited', async ({ page, startServer }) => {
  const server = await startServer({ settings: { VESTIBULE_RATE_LIMITS: 'on' } });
  const user = await server.user();
  // A known browser is counted separately, an unknown one with its network.
  await openAccount(page, server, user);
  await signOut(page);
  await page.goto(server.url('/recover'));
  for (let guess = 0; guess < 10; guess += 1) {
    await type(page, user.email, `AAAA-AAAA-AAAA-AAA${guess}`);
    await navigate(page, () => page.getByRole('textbox', { name: 'Recovery code' }).press('Enter'));
    await expect(page.getByRole('alert')).toHaveText(REFUSED);
  }
  await type(page, user.email, 'AAAA-AAAA-AAAA-AAAA');
  await press(page, 'Sign in');
  await expect(page.getByRole('alert')).toHaveText(/Too many attempts/);
});
