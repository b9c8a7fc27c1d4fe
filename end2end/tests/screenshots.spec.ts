import { fileURLToPath } from 'node:url';
import { Authenticator } from '../support/authenticator.ts';
import { McpClient } from '../support/client.ts';
import { expectPage, signIn } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';

const FOLDER = fileURLToPath(new URL('../test-results/screens/', import.meta.url));

test('pictures of every page, for people to look at', async ({ page, startServer, callback, webCallback, complaints }) => {
  test.setTimeout(180_000);
  complaints.tolerate(/status of 4\d\d/);
  const server = await startServer();
  const person = { email: 'alice@example.com', password: 'correct horse battery' };

  const picture = async (name: string) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      for (const width of [1280, 390, 320]) {
        await page.setViewportSize({ width, height: 800 });
        await page.screenshot({ path: `${FOLDER}${name}-${colorScheme}-${width}.png`, fullPage: true });
      }
    }
  };

  await page.goto(await server.firstAccountLink());
  await picture('setup');
  await Authenticator.plugInto(page);
  await page.getByRole('textbox', { name: 'Email' }).fill(person.email);
  await page.getByLabel('Password').fill('short');
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page.getByRole('alert')).toBeVisible();
  await picture('setup-password-too-short');
  await page.getByLabel('Password').fill(person.password);
  await page.getByRole('button', { name: 'Create account' }).click();
  await expectPage(page, 'account');
  await picture('account-without-passkey');
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expect(page.getByRole('listitem')).toHaveCount(1);
  await picture('account');
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  await expect(page.getByRole('alert')).toBeVisible();
  await picture('account-passkey-known');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expectPage(page, 'login');
  await picture('login');

  const local = await McpClient.connect(server.mcp, callback.uri, 'Claude Code');
  const web = await McpClient.connect(server.mcp, webCallback.uri, 'Claude');
  const long = await McpClient.connect(server.mcp, callback.uri, 'The W'.repeat(40));
  await page.goto(web.authorizationUrl(webCallback.uri));
  await picture('login-for-an-application');
  await page.getByText('Trouble signing in?').click();
  await picture('login-help');
  await signIn(page, { ...person, password: 'wrong' });
  await expect(page.getByRole('alert')).toBeVisible();
  await picture('login-wrong-password');
  await signIn(page, person);
  await expectPage(page, 'consent');
  await picture('consent-web');
  await page.goto(local.authorizationUrl(callback.uri));
  await picture('consent-this-computer');
  await page.goto(long.authorizationUrl(callback.uri));
  await picture('consent-long-name');

  await page.goto(await server.enrolmentLink('bob@example.com'));
  await picture('enroll');
  await page.goto(web.authorizationUrl(webCallback.uri, { client_id: 'unknown' }));
  await picture('problem-unknown-application');
  await page.getByText('Details for the application').click();
  await picture('problem-details');
  await page.goto(server.url('/no/such/page'));
  await picture('problem-not-found');
});
