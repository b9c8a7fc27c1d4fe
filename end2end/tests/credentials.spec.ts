import type { Page } from '@playwright/test';
import { Authenticator } from '../support/authenticator.ts';
import { WAYS, expectPage, openAccount, press, race, row, section, signOut, submitPassword, openDetails } from '../support/pages.ts';
import type { User, Server } from '../support/server.ts';
import { expect, test } from '../support/test.ts';

/** Another user agent, so that its passkey has another name. */
const FIREFOX = { userAgent: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0' };
const LAST = "You can't remove it because it's your only way to sign in.";

/** Signs in and creates a passkey, which is named after the browser. */
async function createPasskey(page: Page, server: Server, user: User): Promise<void> {
  await Authenticator.addTo(page);
  await openAccount(page, server, user);
  const passkeys = section(page, 'Passkeys').getByRole('listitem');
  const before = await passkeys.count();
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expect(passkeys).toHaveCount(before + 1);
}

/** Removes a passkey in its row. */
async function remove(page: Page, name: string): Promise<void> {
  const passkey = row(section(page, 'Passkeys'), name);
  await openDetails(passkey, 'Change');
  await press(passkey, `Remove ${name}`);
}

for (const { javaScriptEnabled, way } of WAYS) {
  test(`a passkey is renamed and removed, ${way}`, async ({ page: maker, anotherBrowser, server, user, complaints }) => {
    complaints.tolerate(/status of 422/);
    await createPasskey(maker, server, user);
    const page = await anotherBrowser({ javaScriptEnabled });
    await openAccount(page, server, user);
    const passkeys = section(page, 'Passkeys');
    const passkey = row(passkeys, 'Chrome on Linux');
    await expect(passkey).toContainText('Chrome on Linux · added just now');
    await expect(passkey.getByRole('button', { name: 'Rename' })).toBeHidden();
    await openDetails(passkey, 'Change');
    await expect(passkey.getByRole('textbox', { name: 'Name' })).toHaveValue('Chrome on Linux');
    await passkey.getByRole('textbox', { name: 'Name' }).fill('My <b>old</b> laptop');
    await press(passkey, 'Rename');
    await expectPage(page, 'account');
    await expect(page.getByRole('status')).toHaveText('Passkey renamed.');
    await expect(passkeys.getByRole('listitem')).toHaveText(/My <b>old<\/b> laptop · added just now/);

    await test.step('a name with nothing to see in it is refused', async () => {
      await openDetails(row(passkeys, 'laptop'), 'Change');
      await row(passkeys, 'laptop').getByRole('textbox', { name: 'Name' }).fill('   ');
      await press(row(passkeys, 'laptop'), 'Rename');
      await expect(page.getByRole('alert')).toHaveText('Enter a name.');
      await expect(page.getByRole('status')).toHaveCount(0);
      await expect(passkeys).toContainText('laptop');
    });

    await test.step('removing it says what stops working, and then it opens nothing', async () => {
      const laptop = row(passkeys, 'laptop');
      const explained = laptop.getByText('You can no longer sign in with');
      await expect(explained).toBeHidden();
      await openDetails(laptop, 'Change');
      await expect(explained).toBeVisible();
      await press(laptop, 'Remove My <b>old</b> laptop');
      await expectPage(page, 'account');
      await expect(page.getByRole('status')).toHaveText('Passkey removed. You can no longer sign in with it.');
      await expect(passkeys.getByRole('listitem')).toHaveCount(0);
      await expect(passkeys).toContainText('No passkeys.');
      await signOut(maker);
      await maker.getByRole('button', { name: 'Sign in with a passkey' }).click();
      await expect(maker.getByRole('alert')).toHaveText(/This passkey wasn't accepted/);
    });
  });

  test(`a changed password signs out other browsers but not this one, ${way}`, async ({ anotherBrowser, server, user }) => {
    const page = await anotherBrowser({ javaScriptEnabled });
    const other = await anotherBrowser();
    await openAccount(page, server, user);
    await openAccount(other, server, user);
    const part = section(page, 'Password');
    await expect(part).toContainText('You sign in with a password.');
    await expect(part.locator('summary', { hasText: 'Remove password' })).toHaveCount(0);
    await openDetails(part, 'Change password');
    await expect(part.getByText("You'll be signed out everywhere else.")).toBeVisible();

    await part.getByLabel('New password').fill('short');
    await press(part, 'Save password');
    await expect(part.getByLabel('New password'), 'the step stands open').toBeVisible();
    await expect(part.getByLabel('New password')).toHaveAccessibleDescription(/^At least 8 characters\..* Choose a password of at least 8 characters\.$/);
    await expect(part.getByLabel('New password')).toHaveValue('');
    await other.reload();
    await expectPage(other, 'account');

    const changed = { ...user, password: 'another horse, another battery' };
    await part.getByLabel('New password').fill(changed.password);
    await press(part, 'Save password');
    await expectPage(page, 'account');
    await expect(page.getByRole('alert')).toHaveCount(0);
    await expect(page.getByRole('status')).toHaveText("Password saved. You're signed out everywhere else.");
    await other.reload();
    await expectPage(other, 'login');
    await submitPassword(other, user);
    await expect(other.getByRole('alert')).toHaveText(/Incorrect email or password/);
    await openAccount(other, server, changed);
    await page.reload();
    await expectPage(page, 'account');
    await expect(page.getByRole('status'), 'it is said once').toHaveCount(0);
  });
}

test('a password is removed and set again; the last credential has an explanation instead of a button', async ({ page, server, user }) => {
  await createPasskey(page, server, user);
  const [passkeys, password] = [section(page, 'Passkeys'), section(page, 'Password')];
  await expect(password).toContainText('You can also sign in with a password.');
  await openDetails(password, 'Remove password');
  await expect(password.getByText('The password will stop working.')).toBeVisible();
  await press(password, 'Remove password');
  await expectPage(page, 'account');
  await expect(page.getByRole('status')).toHaveText('Password removed. Sign in with a passkey from now on.');
  await expect(password).toContainText('No password set.');

  await openDetails(row(passkeys, 'Chrome on Linux'), 'Change');
  await expect(passkeys.getByText(LAST)).toBeVisible();
  await expect(passkeys.getByRole('button', { name: /^Remove/ })).toHaveCount(0);

  await openDetails(password, 'Set a password');
  await password.getByLabel('New password').fill(user.password);
  await press(password, 'Save password');
  await expect(password).toContainText('You can also sign in with a password. Last changed just now.');
  await remove(page, 'Chrome on Linux');
  await expect(passkeys).toContainText('No passkeys.');
  await expect(password).toContainText('You sign in with a password.');
  await expect(password.locator('summary', { hasText: 'Remove password' })).toHaveCount(0);
});

test('T-F48 the last credential stays, even if an older page still has the button', async ({ page, server, user }) => {
  await createPasskey(page, server, user);
  const older = await page.context().newPage();
  await older.goto(server.url('/account'));
  await openDetails(section(page, 'Password'), 'Remove password');
  await press(section(page, 'Password'), 'Remove password');
  await expectPage(page, 'account');

  await remove(older, 'Chrome on Linux');
  await expectPage(older, 'account');
  await expect(older.getByRole('alert')).toHaveText('This is your only way to sign in. Add another one first.');
  await expect(section(older, 'Passkeys').getByRole('listitem')).toHaveCount(1);
  await signOut(page);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expectPage(page, 'account');
});

test('T-F48 two browsers remove the last two passkeys concurrently: one succeeds', async ({ page, server, user, anotherBrowser }) => {
  const other = await anotherBrowser(FIREFOX);
  await createPasskey(page, server, user);
  await createPasskey(other, server, user);
  await openDetails(section(other, 'Password'), 'Remove password');
  await press(section(other, 'Password'), 'Remove password');
  await page.reload();
  for (const [browser, name] of [
    [page, 'Firefox on macOS'],
    [other, 'Chrome on Linux'],
  ] as const) {
    await openDetails(row(section(browser, 'Passkeys'), name), 'Change');
  }
  expect(await race([page, other], /^Remove (Firefox on macOS|Chrome on Linux)$/)).toEqual(['account', 'account']);
  const refused = await Promise.all([page, other].map((browser) => browser.getByRole('alert').count()));
  expect([...refused].sort()).toEqual([0, 1]);
  const loser = [page, other][refused.indexOf(1)]!;
  await expect(loser.getByRole('alert')).toHaveText('This is your only way to sign in. Add another one first.');
  expect((await server.accounts()).find(({ email }) => email === user.email)).toMatchObject({ passkeys: 1, has_password: false });
});

test('T-F48 one browser removes the last passkey while another removes the password: one succeeds', async ({ page, server, user, anotherBrowser }) => {
  const other = await anotherBrowser(FIREFOX);
  await createPasskey(page, server, user);
  await openAccount(other, server, user);
  await openDetails(row(section(page, 'Passkeys'), 'Chrome on Linux'), 'Change');
  await openDetails(section(other, 'Password'), 'Remove password');
  expect(await race([page, other], /^Remove (Chrome on Linux|password)$/)).toEqual(['account', 'account']);
  const left = (await server.accounts()).find(({ email }) => email === user.email)!;
  expect(left.passkeys + Number(left.has_password)).toBe(1);
});

for (const { javaScriptEnabled, way } of WAYS) {
  test(`a user chooses a name and removes it, ${way}`, async ({ anotherBrowser, server, user, complaints }) => {
    complaints.tolerate(/status of 422/);
    const page = await anotherBrowser({ javaScriptEnabled });
    await openAccount(page, server, user);
    const part = section(page, 'Name');
    const box = part.getByRole('textbox', { name: 'Name' });
    const save = async (name: string) => {
      await box.fill(name);
      await press(part, 'Save name');
      await expectPage(page, 'account');
    };
    await expect(part).toContainText('No name set.');
    await openDetails(part, 'Add a name');
    await save('  Jürgen <b>Müller</b> ');
    await expect(page.getByRole('status')).toHaveText('Name saved.');
    await expect(part).toContainText('Jürgen <b>Müller</b>');

    await openDetails(part, 'Change name');
    await save('Jürgen\u202erellüM');
    await expect(part.getByRole('alert')).toHaveText('Use at most 64 characters, and no invisible ones.');
    await expect(box).toBeVisible();
    await expect(box).toHaveValue('Jürgen\u202erellüM');

    await save('');
    await expect(part).toContainText('No name set.');
    await expect(section(page, 'Recent activity')).toContainText('You removed your name');
  });
}
