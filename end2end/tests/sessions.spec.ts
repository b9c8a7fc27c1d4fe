import { WAYS, expectPage, openAccount, press, row, section, signOut, openDetails } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';

const FIREFOX = { userAgent: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0' };
const IPHONE = {
  userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Safari/604.1',
  viewport: { width: 390, height: 844 },
};

for (const { javaScriptEnabled, way } of WAYS) {
  test(`a user sees the sessions, and ends one, then all others, ${way}`, async ({ anotherBrowser, server, user }) => {
    const page = await anotherBrowser({ javaScriptEnabled });
    const [computer, phone] = [await anotherBrowser(FIREFOX), await anotherBrowser(IPHONE)];
    for (const browser of [computer, phone, page]) await openAccount(browser, server, user);
    const part = section(page, "Where you're signed in");
    const rows = part.locator('.rows > li');
    await expect(rows).toHaveCount(3);
    await expect(rows.first()).toHaveText(
      /^Chrome on Linux This browser\s?· (127\.0\.0\.1|::1) · signed in just now · last used just now$/,
    );
    await expect(rows.first().locator('summary')).toHaveCount(0);

    await test.step('one', async () => {
      const other = row(part, 'Firefox on macOS');
      await expect(other.getByRole('button')).toBeHidden();
      await openDetails(other, 'Sign out');
      await expect(other.getByText('That browser has to sign in again.')).toBeVisible();
      await press(other, 'Sign out Firefox on macOS');
      await expectPage(page, 'account');
      await expect(page.getByRole('status')).toHaveText('Browser signed out.');
      await expect(rows).toHaveCount(2);
      await computer.reload();
      await expectPage(computer, 'login');
      await phone.reload();
      await expectPage(phone, 'account');
    });

    await test.step('all others', async () => {
      await openAccount(computer, server, user);
      await page.reload();
      await expect(rows).toHaveCount(3);
      await openDetails(part, 'Sign out everywhere else');
      await press(part, 'Sign out everywhere else');
      await expectPage(page, 'account');
      await expect(page.getByRole('status')).toHaveText("You're signed out everywhere else.");
      await expect(rows).toHaveCount(1);
      await expect(rows).toContainText('This browser');
      await expect(part.locator('summary')).toHaveCount(0);
      for (const browser of [computer, phone]) {
        await browser.reload();
        await expectPage(browser, 'login');
      }
      await page.reload();
      await expectPage(page, 'account');
    });
  });
}

test('a form of a signed-out browser has no effect, and leads to the login page', async ({ page, server, user, anotherBrowser }) => {
  const other = await anotherBrowser(FIREFOX);
  await openAccount(other, server, user);
  await openAccount(page, server, user);
  await openDetails(section(other, 'Password'), 'Change password');
  await section(other, 'Password').getByLabel('New password').fill('the password of a thief');
  const part = section(page, "Where you're signed in");
  await openDetails(row(part, 'Firefox on macOS'), 'Sign out');
  await press(part, 'Sign out Firefox on macOS');
  await press(section(other, 'Password'), 'Save password');
  await expectPage(other, 'login');
  await signOut(page);
  await openAccount(page, server, user);
});

test('T-F50 a session of another user is neither shown nor ended', async ({ page, server, user, anotherBrowser }) => {
  const [victim, witness] = [await anotherBrowser(), await anotherBrowser(FIREFOX)];
  const other = await server.user('other');
  await openAccount(victim, server, other);
  await openAccount(witness, server, other);
  await victim.reload();
  const foreign = await section(victim, "Where you're signed in").locator('input[name=session]').first().inputValue();

  const own = await anotherBrowser(FIREFOX);
  await openAccount(own, server, user);
  await openAccount(page, server, user);
  const part = section(page, "Where you're signed in");
  await expect(part.locator('.rows > li')).toHaveCount(2);
  await part.locator('input[name=session]').evaluate((field, value) => ((field as HTMLInputElement).value = value), foreign);
  await openDetails(row(part, 'Firefox on macOS'), 'Sign out');
  await press(part, 'Sign out Firefox on macOS');
  await expect(page.getByRole('alert')).toHaveText('That item no longer exists, so nothing was changed.');
  for (const browser of [witness, own]) {
    await browser.reload();
    await expectPage(browser, 'account');
  }
});
