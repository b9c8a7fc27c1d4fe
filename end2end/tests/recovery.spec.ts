import type { Page } from '@playwright/test';
import { Authenticator } from '../support/authenticator.ts';
import { WAYS, decide, decline, expectPage, openAccount, press, race, section, signOut, turn, unfold } from '../support/pages.ts';
import type { Person, Server } from '../support/server.ts';
import { expect, test } from '../support/test.ts';

/** Four by four of letters that cannot be mistaken for each other. */
const CODE = /^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$/;
const REFUSED = 'This e-mail address and recovery code do not match an account here. A code works once.';

/** Makes codes on the account page, and reads them. */
async function makeCodes(page: Page): Promise<string[]> {
  const part = section(page, 'Recovery codes');
  const words = (await part.getByText('None yet').count()) ? 'Make recovery codes' : 'Make new codes';
  await unfold(part, words);
  await press(part, words);
  await expectPage(page, 'codes');
  return page.locator('ol.codes code').allTextContents();
}

/** Signs in, makes codes, and signs out again. */
async function codesOf(page: Page, server: Server, person: Person, withPasskey = false): Promise<string[]> {
  await openAccount(page, server, person);
  if (withPasskey) {
    await page.getByRole('button', { name: 'Create a passkey' }).click();
    await expect(section(page, 'Passkeys').getByRole('listitem')).toHaveCount(1);
  }
  const codes = await makeCodes(page);
  await page.getByRole('link', { name: 'Done' }).click();
  await signOut(page);
  return codes;
}

/** Types an address and a code on the page for it. */
async function type(page: Page, email: string, code: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Email' }).fill(email);
  await page.getByRole('textbox', { name: 'Recovery code' }).fill(code);
}

for (const { javaScriptEnabled, way } of WAYS) {
  test(`ten codes are made, shown once, and each signs in once, ${way}`, async ({ anotherBrowser, server, person, client, callback }) => {
    const page = await anotherBrowser({ javaScriptEnabled });
    await openAccount(page, server, person);
    await expect(section(page, 'Recovery codes')).toContainText('None yet');
    const codes = await makeCodes(page);
    await expect(page.getByRole('heading', { name: 'Your recovery codes' })).toBeVisible();
    await expect(page.getByText(person.email)).toBeVisible();
    expect(new Set(codes).size).toBe(10);
    for (const code of codes) expect(code).toMatch(CODE);

    await test.step('they are not shown again', async () => {
      await page.reload();
      await expectPage(page, 'account');
      await page.goto(server.url('/account/codes'));
      await expectPage(page, 'account');
      for (const code of codes) expect(await page.content()).not.toContain(code);
      await expect(section(page, 'Recovery codes')).toContainText('10 of 10 left · made just now');
    });

    await test.step('one leads from the application to the question, however it is typed', async () => {
      await signOut(page);
      await page.goto(client.authorizationUrl(callback.uri));
      await page.getByRole('link', { name: 'Use a recovery code' }).click();
      await expectPage(page, 'recover');
      await expect(page.getByText('to let Test Client use Notes')).toBeVisible();
      await type(page, person.email, codes[3]!.toLowerCase().replaceAll('-', ' '));
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
      await type(page, person.email, codes[3]!);
      await press(page, 'Sign in');
      await expectPage(page, 'recover');
      await expect(page.getByRole('alert')).toHaveText(REFUSED);
      await expect(page.getByRole('textbox', { name: 'Email' })).toHaveValue(person.email);
      await expect(page.getByRole('textbox', { name: 'Recovery code' })).toHaveValue('');
      expect(page.url()).not.toContain(codes[3]!);
    });

    await test.step('there is a way back to the other ways, and another code works', async () => {
      await page.getByRole('link', { name: 'Sign in another way' }).click();
      await expectPage(page, 'login');
      await page.goto(server.url('/recover'));
      await type(page, person.email, codes[4]!);
      await press(page, 'Sign in');
      await decline(page);
      await expectPage(page, 'account');
    });
  });
}

test('new codes end the old ones, which the second step says', async ({ page, server, person }) => {
  await openAccount(page, server, person);
  const old = await makeCodes(page);
  await page.getByRole('link', { name: 'Done' }).click();
  await expectPage(page, 'account');
  const part = section(page, 'Recovery codes');
  await expect(part.getByText('The codes you have now stop working.')).toBeHidden();
  await unfold(part, 'Make new codes');
  await expect(part.getByText('The codes you have now stop working.')).toBeVisible();
  await unfold(part, 'Make new codes');
  const fresh = await makeCodes(page);
  expect(fresh.filter((code) => old.includes(code))).toEqual([]);
  await page.getByRole('link', { name: 'Done' }).click();
  await signOut(page);
  await page.goto(server.url('/recover'));
  await type(page, person.email, old[0]!);
  await press(page, 'Sign in');
  await expect(page.getByRole('alert')).toHaveText(REFUSED);
  await type(page, person.email, fresh[0]!);
  await press(page, 'Sign in');
  await decline(page);
  await expectPage(page, 'account');
});

test('on paper the codes stand with whose they are, dark on light, and nothing to press', async ({ page, server, person }) => {
  await openAccount(page, server, person);
  const codes = await makeCodes(page);
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  await expect(page.locator('ol.codes code')).toHaveText(codes);
  await expect(page.locator('ol.codes code').last()).toBeVisible();
  await expect(page.getByText(person.email)).toBeVisible();
  for (const control of await page.locator('a, button, summary').all()) await expect(control).toBeHidden();
  const ink = await page.locator('ol.codes code').first().evaluate((code) => {
    const canvas = document.createElement('canvas').getContext('2d')!;
    canvas.fillStyle = getComputedStyle(code).color;
    canvas.fillRect(0, 0, 1, 1);
    return Math.max(...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3));
  });
  expect(ink).toBeLessThan(100);
});

test('T-F45 a code of somebody else, and an address nobody has, are refused in the same words', async ({ page, server, person }) => {
  const codes = await codesOf(page, server, person);
  const other = await server.person('other');
  for (const email of [other.email, 'nobody.at.all@example.com']) {
    await page.goto(server.url('/recover'));
    await type(page, email, codes[0]!);
    await press(page, 'Sign in');
    await expect(page.getByRole('alert')).toHaveText(REFUSED);
  }
  await type(page, person.email, codes[0]!);
  await press(page, 'Sign in');
  await decline(page);
  await expectPage(page, 'account');
});

test('T-F44 two browsers with the same recovery code: one wins', async ({ page, server, person, anotherBrowser }) => {
  const codes = await codesOf(page, server, person);
  const racers = [page, await anotherBrowser({ javaScriptEnabled: false })];
  for (const racer of racers) {
    await racer.goto(server.url('/recover'));
    await type(racer, person.email, codes[0]!);
  }
  const outcome = await race(racers, 'Sign in');
  expect([...outcome].sort()).toEqual(['offer', 'recover']);
  const winner = outcome.indexOf('offer');
  await expect(racers[1 - winner]!.getByRole('alert')).toHaveText(REFUSED);
  await decline(racers[winner]!);
  await expect(section(racers[winner]!, 'Recovery codes')).toContainText('9 of 10 left');
});

test('whoever lost a passkey comes by a code, and is offered a new one', async ({ page, server, person, client, callback, anotherBrowser }) => {
  await Authenticator.plugInto(page);
  const codes = await codesOf(page, server, person, true);
  const elsewhere = await anotherBrowser({});
  const authenticator = await Authenticator.plugInto(elsewhere);
  await elsewhere.goto(client.authorizationUrl(callback.uri));
  await elsewhere.getByRole('link', { name: 'Use a recovery code' }).click();
  await type(elsewhere, person.email, codes[0]!);
  await press(elsewhere, 'Sign in');
  await expectPage(elsewhere, 'offer');
  await elsewhere.getByRole('button', { name: 'Create a passkey' }).click();
  await decide(elsewhere, 'Allow');
  await expect(elsewhere).toHaveURL(/\/callback\?code=/);
  expect(await authenticator.passkeys()).toHaveLength(1);
});

test('whoever guesses codes is slowed down', async ({ page, startServer }) => {
  const server = await startServer({ settings: { VESTIBULE_RATE_LIMITS: 'on' } });
  const person = await server.person();
  // A browser that the account knows is counted for itself; one it does not know, with its neighbourhood.
  await openAccount(page, server, person);
  await signOut(page);
  await page.goto(server.url('/recover'));
  for (let guess = 0; guess < 10; guess += 1) {
    await type(page, person.email, `AAAA-AAAA-AAAA-AAA${guess}`);
    await turn(page, () => page.getByRole('textbox', { name: 'Recovery code' }).press('Enter'));
    await expect(page.getByRole('alert')).toHaveText(REFUSED);
  }
  await type(page, person.email, 'AAAA-AAAA-AAAA-AAAA');
  await press(page, 'Sign in');
  await expect(page.getByRole('alert')).toHaveText(/Too many attempts/);
});
