import { expect, test } from '../support/test.ts';
import { decide, expectPage, openAccount, signIn, signOut, typePassword } from '../support/pages.ts';

test('without JavaScript a password leads from the application through sign-in and consent back to it', async ({
  anotherBrowser,
  person,
  client,
  callback,
}) => {
  const page = await anotherBrowser({ javaScriptEnabled: false });
  await page.goto(client.authorizationUrl(callback.uri));
  await expectPage(page, 'login');
  await expect(page.locator('noscript p', { hasText: 'Passkeys need JavaScript' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Sign in with a passkey' })).toBeHidden();

  await signIn(page, person);
  await expectPage(page, 'consent');
  await decide(page, 'Allow');
  await expect(page.getByRole('heading', { name: 'Back in the application' })).toBeVisible();

  const tokens = await client.exchange(callback.answer, callback.uri);
  expect((await client.me(tokens.access_token)).body).toMatchObject({ client_id: client.clientId });
});

test('without JavaScript a person signs out', async ({ anotherBrowser, server, person }) => {
  const page = await anotherBrowser({ javaScriptEnabled: false });
  await page.goto(server.url('/login'));
  await signIn(page, person);
  await signOut(page);
  await page.goto(server.url('/account'));
  await expectPage(page, 'login');
});

test('when the wasm does not arrive, the password still works', async ({ page, person, client, callback, complaints }) => {
  complaints.tolerate(/\/pkg\//);
  complaints.tolerate(/uncaught: .*fetch/);
  let blocked = 0;
  await page.route(/\/pkg\/.*\.wasm$/, (route) => {
    blocked += 1;
    return route.abort();
  });
  await page.goto(client.authorizationUrl(callback.uri));
  await signIn(page, person);
  await decide(page, 'Allow');
  await expect(page).toHaveURL(/\/callback\?code=/);
  expect(blocked).toBeGreaterThan(0);
});

test('the sign-in page says which application it leads to, and says nothing is wrong', async ({ page, client, callback }) => {
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
  test(`${who} is answered in the same words; the box keeps the address and never the password`, async ({
    page,
    person,
    client,
    callback,
  }) => {
    const typed = { email: email ?? person.email, password: 'not the password' };
    await page.goto(client.authorizationUrl(callback.uri));
    await signIn(page, typed);

    await expect(page.getByRole('alert')).toHaveText('This e-mail address and password do not match an account here.');
    await expectPage(page, 'login');
    await expect(page.getByRole('textbox', { name: 'Email' })).toHaveValue(typed.email);
    await expect(page.getByLabel('Password')).toHaveValue('');
    expect(await page.content()).not.toContain(typed.password);
    expect(page.url()).not.toMatch(/password|example\.com/);

    await test.step('the message is gone with the next look, and the request goes on', async () => {
      await page.reload();
      await expect(page.getByRole('alert')).toHaveCount(0);
      await signIn(page, person);
      await expectPage(page, 'consent');
    });
  });
}

test('whoever guesses passwords is slowed down, and the person can still use another way', async ({ page, startServer }) => {
  const server = await startServer({ settings: { VESTIBULE_RATE_LIMITS: 'on' } });
  const person = await server.person();
  await page.goto(server.url('/login'));
  for (let guess = 0; guess < 10; guess += 1) {
    await signIn(page, { ...person, password: `guess number ${guess}` });
    await expect(page.getByRole('alert')).toHaveText(/do not match/);
  }
  await signIn(page, person);
  await expect(page.getByRole('alert')).toHaveText(/Too many attempts/);
  await expectPage(page, 'login');
});

test('strangers who guess keep nobody out who has signed in with that browser before', async ({ page, startServer, anotherBrowser }) => {
  const server = await startServer({ settings: { VESTIBULE_RATE_LIMITS: 'on' } });
  const person = await server.person();
  await openAccount(page, server, person);
  await signOut(page);
  const stranger = await anotherBrowser();
  await stranger.goto(server.url('/login'));
  for (let guess = 0; guess < 11; guess += 1) await signIn(stranger, { ...person, password: `guess number ${guess}` });
  await expect(stranger.getByRole('alert')).toHaveText(/Too many attempts/);
  await signIn(page, person);
  await expectPage(page, 'account');
});

test('signing out ends the session for good: its cookie opens nothing any more', async ({ page, server, person, context }) => {
  await page.goto(server.url('/login'));
  await signIn(page, person);
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

test('an address beyond ASCII is typed as it is and signs in', async ({ page, server }) => {
  const person = { email: 'j\u00fcrgen@b\u00fccher.example', password: 'correct horse battery' };
  await server.json(['account', 'add', person.email, '--password-stdin'], `${person.password}\n`);
  await page.goto(server.url('/login'));
  await signIn(page, person);
  await expectPage(page, 'account');
  await expect(page.getByText('j\u00fcrgen@xn--bcher-kva.example').first()).toBeVisible();
});

test('cookies of other programs on the same host lock nobody out', async ({ page, server, person, context }) => {
  await context.addCookies([
    { name: 'user', value: 'Zo\u00eb', url: server.issuer },
    { name: 'many', value: 'x'.repeat(3000), url: server.issuer },
  ]);
  await page.goto(server.url('/login'));
  await signIn(page, person);
  await expectPage(page, 'account');
  await signOut(page);
  await expectPage(page, 'login');
});

test('two tabs that open at once in a new browser both lead on', async ({ page, person, client, callback }) => {
  const other = await page.context().newPage();
  await Promise.all([page, other].map((tab) => tab.goto(client.authorizationUrl(callback.uri))));
  await signIn(page, person);
  await expectPage(page, 'consent');
  await other.reload();
  await expectPage(other, 'consent');
  await decide(other, 'Allow');
  await expect(other).toHaveURL(/\/callback\?code=/);
  await decide(page, 'Allow');
  await expect(page).toHaveURL(/\/callback\?code=/);
});

test('each sign-in begins a session of its own, whatever cookie was there before', async ({ page, server, person, context }) => {
  await page.goto(server.url('/login'));
  await signIn(page, person);
  await expectPage(page, 'account');
  const session = async () => (await context.cookies()).find(({ name }) => name === '__Host-vestibule-session');
  const first = await session();
  await signOut(page);
  await context.addCookies([first!]);
  await page.goto(server.url('/login'));
  await signIn(page, person);
  await expectPage(page, 'account');
  expect((await session())?.value).not.toBe(first?.value);
});

test('a page of another origin can neither sign a person out nor in', async ({ page, server, person, complaints }) => {
  complaints.tolerate(/status of 403/);
  await page.goto(server.url('/login'));
  await signIn(page, person);
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

test('a sign-in page that stood open while somebody signed in beside it goes on to where they are', async ({ page, server, person, client, callback, complaints }) => {
  complaints.tolerate(/status of 4\d\d/);
  const [form, button] = [await page.context().newPage(), await page.context().newPage()];
  await form.goto(server.url('/login'));
  await button.goto(client.authorizationUrl(callback.uri));
  for (const open of [form, button]) await expect(open.getByRole('button', { name: 'Sign in with a passkey' })).toBeEnabled();
  await openAccount(page, server, person);
  await typePassword(form, person);
  await expectPage(form, 'account');
  await expect(form.getByRole('alert')).toHaveCount(0);
  await button.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expectPage(button, 'consent');
});
