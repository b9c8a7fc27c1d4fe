import { Authenticator } from '../support/authenticator.ts';
import { expectPage, signIn } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';

const OWNER = { email: 'owner@example.com', password: 'correct horse battery' };

test('the link on the terminal creates the first account with a password, and works once', async ({
  page,
  startServer,
  anotherBrowser,
  complaints,
}) => {
  const server = await startServer();
  const link = await server.firstAccountLink();

  await page.goto(link);
  await expectPage(page, 'setup');
  await page.getByRole('textbox', { name: 'Email' }).fill(OWNER.email);
  await page.getByLabel('Password').fill(OWNER.password);
  await page.getByRole('button', { name: 'Create account' }).click();
  await expectPage(page, 'account');
  await expect(page.getByText(OWNER.email)).toBeVisible();

  await test.step('somebody else who has the link comes too late', async () => {
    complaints.tolerate(/status of 410/);
    const late = await anotherBrowser();
    const response = await late.goto(link);
    expect(response?.status()).toBe(410);
    await expectPage(late, 'problem');
    await expect(late.getByRole('textbox')).toHaveCount(0);
  });

  await test.step('the account is there to sign in to', async () => {
    const again = await anotherBrowser();
    await again.goto(server.url('/login'));
    await signIn(again, OWNER);
    await expectPage(again, 'account');
  });
});

test('the link on the terminal creates the first account with a passkey', async ({ page, startServer }) => {
  const server = await startServer();
  const authenticator = await Authenticator.addTo(page);

  await page.goto(await server.firstAccountLink());
  await page.getByRole('textbox', { name: 'Email' }).fill(OWNER.email);
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expectPage(page, 'account');

  expect(await authenticator.passkeys()).toMatchObject([{ rpId: 'localhost', isResidentCredential: true }]);
  expect(await server.json(['account', 'list'])).toMatchObject([
    { email: OWNER.email, passkeys: 1, has_password: false },
  ]);
});

test('two users who open the link concurrently create one account', async ({
  page,
  startServer,
  anotherBrowser,
  complaints,
}) => {
  complaints.tolerate(/status of 410/);
  const server = await startServer();
  const rival = await anotherBrowser();
  for (const [otherPage, email] of [
    [page, 'first@example.com'],
    [rival, 'second@example.com'],
  ] as const) {
    await otherPage.goto(await server.firstAccountLink());
    await otherPage.getByRole('textbox', { name: 'Email' }).fill(email);
    await otherPage.getByLabel('Password').fill(OWNER.password);
  }
  await page.getByRole('button', { name: 'Create account' }).click();
  await expectPage(page, 'account');
  await rival.getByRole('button', { name: 'Create account' }).click();
  await expectPage(rival, 'problem');
  expect(await server.json<object[]>(['account', 'list'])).toHaveLength(1);
});

test('a short password is refused at its field, which is cleared while the address stays', async ({
  page,
  startServer,
}) => {
  const server = await startServer();
  await page.goto(await server.firstAccountLink());
  await page.getByRole('textbox', { name: 'Email' }).fill(OWNER.email);
  await page.getByLabel('Password').fill('short');
  await page.getByRole('button', { name: 'Create account' }).click();

  await expect(page.getByRole('alert')).toHaveText(/at least 12 characters/);
  await expect(page.getByLabel('Password')).toHaveAccessibleDescription(/^At least 12 characters\..* Choose a password of at least 12 characters\.$/);
  await expect(page.getByLabel('Password')).toHaveValue('');
  await expect(page.getByRole('textbox', { name: 'Email' })).toHaveValue(OWNER.email);
  expect(await server.json(['account', 'list'])).toEqual([]);
});

test('an enrolment link from the command line sets a password, once', async ({
  page,
  server,
  complaints,
}) => {
  complaints.tolerate(/status of 410/);
  const email = 'bob.invited@example.com';
  const link = await server.enrolmentLink(email);
  expect(link).toMatch(/\/enroll\/[\w-]{20,}$/);

  await page.goto(link);
  await expectPage(page, 'enroll');
  await expect(page.getByRole('textbox', { name: 'Email' })).toHaveValue(email);
  await expect(page.getByRole('textbox', { name: 'Email' })).not.toBeEditable();
  await page.getByLabel('Password').fill(OWNER.password);
  await page.getByRole('button', { name: 'Create account' }).click();
  await expectPage(page, 'account');
  await expect(page.getByText(email)).toBeVisible();

  const response = await page.goto(link);
  expect(response?.status()).toBe(410);
  await expectPage(page, 'problem');
});

test('an enrolment link creates a passkey', async ({ page, server }) => {
  const authenticator = await Authenticator.addTo(page);
  await page.goto(await server.enrolmentLink('carol.invited@example.com'));
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expectPage(page, 'account');
  await expect(page.getByText('carol.invited@example.com')).toBeVisible();
  expect(await authenticator.passkeys()).toHaveLength(1);
});
