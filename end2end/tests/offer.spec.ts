import { Authenticator } from '../support/authenticator.ts';
import { WAYS, decide, decline, expectPage, openAccount, section, signOut, submitPassword } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';

for (const { javaScriptEnabled, way } of WAYS) {
  test(`a user without a passkey is offered one after a password, declines it, and continues, ${way}`, async ({
    anotherBrowser,
    server,
    user,
    client,
    callback,
  }) => {
    const page = await anotherBrowser({ javaScriptEnabled });
    await page.goto(client.authorizationUrl(callback.uri));
    await submitPassword(page, user);
    await expectPage(page, 'offer');
    await expect(page.getByRole('heading', { name: 'Add a passkey' })).toBeVisible();
    await expect(page.getByRole('button', { name: 'Create a passkey' })).toBeVisible({ visible: javaScriptEnabled });
    await expect(page.locator('noscript p', { hasText: 'Creating a passkey needs JavaScript' })).toBeVisible({ visible: !javaScriptEnabled });
    await decline(page);
    await decide(page, 'Allow');
    await expect(page).toHaveURL(/\/callback\?code=/);

    await test.step('and is left alone from then on, in other browsers too', async () => {
      for (const browser of [page, await anotherBrowser({ javaScriptEnabled })]) {
        await browser.context().clearCookies();
        await browser.goto(server.url('/login'));
        await submitPassword(browser, user);
        await expectPage(browser, 'account');
      }
    });
  });
}

test('a passkey created there leads to the application, and is not offered again', async ({ page, server, user, client, callback }) => {
  const authenticator = await Authenticator.addTo(page);
  await page.goto(client.authorizationUrl(callback.uri));
  await submitPassword(page, user);
  await expectPage(page, 'offer');
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await decide(page, 'Allow');
  await expect(page).toHaveURL(/\/callback\?code=/);
  expect(await authenticator.passkeys()).toHaveLength(1);

  await page.goto(server.url('/account'));
  await expect(section(page, 'Passkeys').getByRole('listitem')).toHaveText(/Chrome on Linux · added just now/);
  await signOut(page);
  await submitPassword(page, user);
  await expectPage(page, 'account');
});

test('after a closed dialog the offer stays, and the user can continue', async ({ page, user, client, callback }) => {
  const authenticator = await Authenticator.addTo(page);
  await authenticator.failUserVerification();
  await page.goto(client.authorizationUrl(callback.uri));
  await submitPassword(page, user);
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expect(page.getByRole('alert')).toHaveText(/No passkey was used/);
  await decline(page);
  await expectPage(page, 'consent');
});

test('the offer is only for users who have just signed in without a passkey', async ({ page, server, user }) => {
  await page.goto(server.url('/passkey'));
  await expectPage(page, 'login');
  await Authenticator.addTo(page);
  await openAccount(page, server, user);
  await page.goto(server.url('/passkey'));
  await expectPage(page, 'offer');
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expectPage(page, 'account');
  await page.goto(server.url('/passkey'));
  await expectPage(page, 'account');
});
