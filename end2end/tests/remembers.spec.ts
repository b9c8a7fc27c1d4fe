import type { Page } from '@playwright/test';
import { Authenticator } from '../support/authenticator.ts';
import { WAYS, decide, expectPage, openAccount, section, signOut } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';

const MARK = 'Last used';

/** Expects that `first` is the primary button and `marked` has the mark; both keep their names. */
async function expectMethods(page: Page, { first, marked }: { first: string; marked: string | undefined }): Promise<void> {
  await expectPage(page, 'login');
  for (const name of ['Sign in with a passkey', 'Sign in']) {
    const button = page.locator('main .button', { hasText: new RegExp(`^${name}$`) });
    // Without JavaScript there are no passkeys, and no button for them.
    if (name !== 'Sign in' && (await button.isHidden())) continue;
    await expect(button).toHaveAccessibleName(name);
    await expect(button).toHaveAccessibleDescription(name === marked ? MARK : '');
    if (name === first) await expect(button).toContainClass('filled');
    else await expect(button).not.toContainClass('filled');
  }
  await expect(page.locator('.mark', { hasText: MARK })).toHaveCount(marked ? 1 : 0);
}

test('a new browser shows the passkey first and marks nothing', async ({ page, server }) => {
  await page.goto(server.url('/login'));
  await expectMethods(page, { first: 'Sign in with a passkey', marked: undefined });
});

for (const { javaScriptEnabled, way } of WAYS) {
  test(`the password button is first and marked after a sign-in with a password, ${way}`, async ({ anotherBrowser, server, user, client, callback }) => {
    const page = await anotherBrowser({ javaScriptEnabled });
    await openAccount(page, server, user);
    await signOut(page);
    await expectMethods(page, { first: 'Sign in', marked: 'Sign in' });
    await page.goto(client.authorizationUrl(callback.uri));
    await expectMethods(page, { first: 'Sign in', marked: 'Sign in' });

    await test.step('it is this browser that remembers, and no secret', async () => {
      const cookie = (await page.context().cookies()).find(({ name }) => name === '__Host-vestibule-way');
      expect(cookie).toMatchObject({ value: 'password', httpOnly: true, secure: true, sameSite: 'Lax', path: '/' });
      expect(cookie!.expires).toBeGreaterThan(Date.now() / 1000 + 300 * 24 * 3600);
      const other = await anotherBrowser({ javaScriptEnabled });
      await other.goto(server.url('/login'));
      await expectMethods(other, { first: 'Sign in with a passkey', marked: undefined });
    });
  });
}

test('the passkey button is marked after a sign-in with a passkey, until a password is used', async ({ page, server, user, client, callback }) => {
  await Authenticator.addTo(page);
  await openAccount(page, server, user);
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expect(section(page, 'Passkeys').getByRole('listitem')).toHaveCount(1);
  await signOut(page);
  await expectMethods(page, { first: 'Sign in', marked: 'Sign in' });
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expectPage(page, 'account');
  await signOut(page);
  await expectMethods(page, { first: 'Sign in with a passkey', marked: 'Sign in with a passkey' });

  await page.goto(client.authorizationUrl(callback.uri));
  await expectMethods(page, { first: 'Sign in with a passkey', marked: 'Sign in with a passkey' });
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await decide(page, 'Allow');
  await expect(page).toHaveURL(/\/callback\?code=/);
});

test('the mark does not cover the text of its button, on a small screen and with large text', async ({ page, server, user }) => {
  await openAccount(page, server, user);
  await signOut(page);
  for (const [width, text] of [[1280, '100%'], [320, '100%'], [640, '200%']] as const) {
    await page.setViewportSize({ width, height: 800 });
    await page.evaluate((size) => (document.documentElement.style.fontSize = size), text);
    const overlap = await page.locator('.way', { has: page.getByText(MARK) }).evaluate((way) => {
      const box = (part: Element) => {
        const range = document.createRange();
        range.selectNodeContents(part);
        return range.getBoundingClientRect();
      };
      const [mark, words] = [box(way.querySelector('.mark')!), box(way.querySelector('button')!)];
      return mark.left < words.right && words.left < mark.right && mark.top < words.bottom && words.top < mark.bottom;
    });
    expect(overlap, `${width} pixels, text at ${text}`).toBe(false);
  }
});

test('unknown values in the cookie are ignored', async ({ page, server, context }) => {
  const place = { domain: 'localhost', path: '/', secure: true };
  await context.addCookies([{ name: '__Host-vestibule-way', value: '%3Cb%3Epassword', ...place }]);
  await page.goto(server.url('/login'));
  await expectMethods(page, { first: 'Sign in with a passkey', marked: undefined });
});
