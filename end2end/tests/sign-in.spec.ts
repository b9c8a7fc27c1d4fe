import { expect, test } from '../support/test.ts';
import { decide, expectPage, openAccount, signIn, signOut, submitPassword } from '../support/pages.ts';

test('without JavaScript the whole flow works with a password', async ({
  anotherBrowser,
  user,
  client,
  callback,
}) => {
  const page = await anotherBrowser({ javaScriptEnabled: false });
  await page.goto(client.authorizationUrl(callback.uri));
  await expectPage(page, 'login');
  await expect(page.locator('noscript p', { hasText: 'Passkeys need JavaScript' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Sign in with a passkey' })).toBeHidden();

  await signIn(page, user);
  await expectPage(page, 'consent');
  await decide(page, 'Allow');
  await expect(page.getByRole('heading', { name: 'Back in the application' })).toBeVisible();

  const tokens = await client.exchange(callback.answer, callback.uri);
  expect((await client.me(tokens.access_token)).body).toMatchObject({ client_id: client.clientId });
});

test('without JavaScript a user can sign out', async ({ anotherBrowser, server, user }) => {
  const page = await anotherBrowser({ javaScriptEnabled: false });
  await page.goto(server.url('/login'));
  await signIn(page, user);
  await signOut(page);
  await page.goto(server.url('/account'));
  await expectPage(page, 'login');
});

test('without the wasm, the password still works', async ({ page, user, client, callback, complaints }) => {
  complaints.tolerate(/\/pkg\//);
  complaints.tolerate(/uncaught: .*fetch/);
  let blocked = 0;
  await page.route(/\/pkg\/.*\.wasm$/, (route) => {
    blocked += 1;
    return route.abort();
  });
  await page.goto(client.authorizationUrl(callback.uri));
  await signIn(page, user);
  await decide(page, 'Allow');
  await expect(page).toHaveURL(/\/callback\?code=/);
  expect(blocked).toBeGreaterThan(0);
});

test('the login page names the application, without an error', async ({ page, client, callback }) => {
  await page.goto(client.authorizationUrl(callback.uri));
  await expect(page.getByRole('heading', { name: 'Sign in', exact: true })).toBeVisible();
  await expect(page.getByText('to let Test Client use Notes')).toBeVisible();
  await expect(page.getByRole('alert')).toHaveCount(0);
  await expect(page.locator('[role=alert]')).toHaveCount(0);
});

for (const [who, email] of [
  ['a wrong password', undefined],
  ['an address nobody has', 'nobody@example.com'],
] as const) {
  test(`${who} gets the same error; the form keeps the address and never the password`, async ({
    page,
    user,
    client,
    callback,
  }) => {
    const typed = { email: email ?? user.email, password: 'not the password' };
    await page.goto(client.authorizationUrl(callback.uri));
    await signIn(page, typed);

    await expect(page.getByRole('alert')).toHaveText('Incorrect email or password.');
    await expectPage(page, 'login');
    await expect(page.getByRole('textbox', { name: 'Email' })).toHaveValue(typed.email);
    await expect(page.getByLabel('Password')).toHaveValue('');
    expect(await page.content()).not.toContain(typed.password);
    expect(page.url()).not.toMatch(/password|example\.com/);

    await test.step('the message is gone with the next look, and the request goes on', async () => {
      await page.reload();
      await expect(page.getByRole('alert')).toHaveCount(0);
      await signIn(page, user);
      await expectPage(page, 'consent');
    });
  });
}

test('password guesses are rate-limited, and the user can still use another method', async ({ page, startServer }) => {
  const server = await startServer({ settings: { VESTIBULE_RATE_LIMITS: 'on' } });
  const user = await server.user();
  await page.goto(server.url('/login'));
  for (let guess = 0; guess < 10; guess += 1) {
    await signIn(page, { ...user, password: `guess number ${guess}` });
    await expect(page.getByRole('alert')).toHaveText(/Incorrect email or password/);
  }
  await signIn(page, user);
  await expect(page.getByRole('alert')).toHaveText(/Too many attempts/);
  await expectPage(page, 'login');
});

test('guesses of others do not lock a known browser out', async ({ page, startServer, anotherBrowser }) => {
  const server = await startServer({ settings: { VESTIBULE_RATE_LIMITS: 'on' } });
  const user = await server.user();
  await openAccount(page, server, user);
  await signOut(page);
  const unknownPage = await anotherBrowser();
  await unknownPage.goto(server.url('/login'));
  for (let guess = 0; guess < 11; guess += 1) await signIn(unknownPage, { ...user, password: `guess number ${guess}` });
  await expect(unknownPage.getByRole('alert')).toHaveText(/Too many attempts/);
  await signIn(page, user);
  await expectPage(page, 'account');
});

test('signing out ends the session: its cookie is no longer valid', async ({ page, server, user, context }) => {
  await page.goto(server.url('/login'));
  await signIn(page, user);
  await expectPage(page, 'account');
  const cookies = await context.cookies();
  expect(cookies.map(({ name }) => name.replace(/^(__Host-vestibule-browser-).*/, '$1')).sort()).toEqual([
    '__Host-vestibule-browser',
    '__Host-vestibule-browser-',
    '__Host-vestibule-session',
    '__Host-vestibule-way',
  ]);
  for (const cookie of cookies) expect(cookie).toMatchObject({ httpOnly: true, secure: true, sameSite: 'Lax', path: '/' });

  await signOut(page);
  await context.addCookies(cookies);
  await page.goto(server.url('/account'));
  await expectPage(page, 'login');
});

test('a non-ASCII address signs in', async ({ page, server }) => {
  const user = { email: 'j\u00fcrgen@b\u00fccher.example', password: 'correct horse battery' };
  await server.json(['account', 'add', user.email, '--password-stdin'], `${user.password}\n`);
  await page.goto(server.url('/login'));
  await signIn(page, user);
  await expectPage(page, 'account');
  await expect(page.getByText('j\u00fcrgen@xn--bcher-kva.example').first()).toBeVisible();
});

test('cookies of other programs on the same host are ignored', async ({ page, server, user, context }) => {
  await context.addCookies([
    { name: 'user', value: 'Zo\u00eb', url: server.issuer },
    { name: 'many', value: 'x'.repeat(3000), url: server.issuer },
  ]);
  await page.goto(server.url('/login'));
  await signIn(page, user);
  await expectPage(page, 'account');
  await signOut(page);
  await expectPage(page, 'login');
});

test('two concurrent tabs of a new browser both work', async ({ page, user, client, callback }) => {
  const other = await page.context().newPage();
  await Promise.all([page, other].map((tab) => tab.goto(client.authorizationUrl(callback.uri))));
  await signIn(page, user);
  await expectPage(page, 'consent');
  await other.reload();
  await expectPage(other, 'consent');
  await decide(other, 'Allow');
  await expect(other).toHaveURL(/\/callback\?code=/);
  await decide(page, 'Allow');
  await expect(page).toHaveURL(/\/callback\?code=/);
});

test('each sign-in creates a new session, whatever cookie existed before', async ({ page, server, user, context }) => {
  await page.goto(server.url('/login'));
  await signIn(page, user);
  await expectPage(page, 'account');
  const session = async () => (await context.cookies()).find(({ name }) => name === '__Host-vestibule-session');
  const first = await session();
  await signOut(page);
  await context.addCookies([first!]);
  await page.goto(server.url('/login'));
  await signIn(page, user);
  await expectPage(page, 'account');
  expect((await session())?.value).not.toBe(first?.value);
});

test('a page of another origin can neither sign a user out nor in', async ({ page, server, user, complaints }) => {
  complaints.tolerate(/status of 403/);
  await page.goto(server.url('/login'));
  await signIn(page, user);
  await expectPage(page, 'account');

  for (const action of ['sign_out', 'sign_in']) {
    const body = `<form method="post" action="${server.url(`/actions/${action}`)}"><button>Win a prize</button></form>`;
    const forged = await page.context().newPage();
    await forged.route('https://evil.example/', (route) => route.fulfill({ contentType: 'text/html', body }));
    await forged.goto('https://evil.example/');
    await forged.getByRole('button').click();
    await expectPage(forged, 'problem');
    await forged.close();
  }

  await page.reload();
  await expectPage(page, 'account');
});

test('an open login page continues after a sign-in in another tab', async ({ page, server, user, client, callback, complaints }) => {
  complaints.tolerate(/status of 4\d\d/);
  const [form, button] = [await page.context().newPage(), await page.context().newPage()];
  await form.goto(server.url('/login'));
  await button.goto(client.authorizationUrl(callback.uri));
  for (const open of [form, button]) await expect(open.getByRole('button', { name: 'Sign in with a passkey' })).toBeEnabled();
  await openAccount(page, server, user);
  await submitPassword(form, user);
  await expectPage(form, 'account');
  await expect(form.getByRole('alert')).toHaveCount(0);
  await button.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expectPage(button, 'consent');
});
