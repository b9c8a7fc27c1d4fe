import { Authenticator } from '../support/authenticator.ts';
import { WAYS, decide, decline, expectPage, openAccount, section, signOut, typePassword } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';

for (const { javaScriptEnabled, way } of WAYS) {
  test(`who signs in with a password and has no passkey is offered one, says no, and goes on, ${way}`, async ({
    anotherBrowser,
    server,
    person,
    client,
    callback,
  }) => {
    const page = await anotherBrowser({ javaScriptEnabled });
    await page.goto(client.authorizationUrl(callback.uri));
    await typePassword(page, person);
    await expectPage(page, 'offer');
    await expect(page.getByRole('heading', { name: 'Sign in faster next time' })).toBeVisible();
    await expect(page.getByRole('button', { name: 'Create a passkey' })).toBeVisible({ visible: javaScriptEnabled });
    await expect(page.locator('noscript p', { hasText: 'Creating a passkey needs JavaScript' })).toBeVisible({ visible: !javaScriptEnabled });
    await decline(page);
    await decide(page, 'Allow');
    await expect(page).toHaveURL(/\/callback\?code=/);

    await test.step('and is left alone from then on, in other browsers too', async () => {
      for (const browser of [page, await anotherBrowser({ javaScriptEnabled })]) {
        await browser.context().clearCookies();
        await browser.goto(server.url('/login'));
        await typePassword(browser, person);
        await expectPage(browser, 'account');
      }
    });
  });
}

test('a passkey created there leads on to the application, and is offered no more', async ({ page, server, person, client, callback }) => {
  const authenticator = await Authenticator.plugInto(page);
  await page.goto(client.authorizationUrl(callback.uri));
  await typePassword(page, person);
  await expectPage(page, 'offer');
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await decide(page, 'Allow');
  await expect(page).toHaveURL(/\/callback\?code=/);
  expect(await authenticator.passkeys()).toHaveLength(1);

  await page.goto(server.url('/account'));
  await expect(section(page, 'Passkeys').getByRole('listitem')).toHaveText(/Chrome on Linux · added just now/);
  await signOut(page);
  await typePassword(page, person);
  await expectPage(page, 'account');
});

test('a dialog that is closed leaves the offer standing, and the person can still go on', async ({ page, person, client, callback }) => {
  const authenticator = await Authenticator.plugInto(page);
  await authenticator.failToVerify();
  await page.goto(client.authorizationUrl(callback.uri));
  await typePassword(page, person);
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expect(page.getByRole('alert')).toHaveText(/No passkey was used/);
  await decline(page);
  await expectPage(page, 'consent');
});

test('the offer is for whoever has just signed in without a passkey, and holds nobody else up', async ({ page, server, person }) => {
  await page.goto(server.url('/passkey'));
  await expectPage(page, 'login');
  await Authenticator.plugInto(page);
  await openAccount(page, server, person);
  await page.goto(server.url('/passkey'));
  await expectPage(page, 'offer');
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expectPage(page, 'account');
  await page.goto(server.url('/passkey'));
  await expectPage(page, 'account');
});
