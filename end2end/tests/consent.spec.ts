import { McpClient } from '../support/client.ts';
import { Callback } from '../support/callback.ts';
import { OTHER_WEB_HOST, WEB_HOST } from '../support/browser.ts';
import { decide, expectPage, signIn } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';

test('the page shows client, scopes, redirect host and user; it warns about loopback', async ({
  page,
  server,
  user,
  client,
  callback,
}) => {
  await page.goto(client.authorizationUrl(callback.uri, { scope: 'notes:read notes:write offline_access' }));
  await signIn(page, user);
  await expectPage(page, 'consent');

  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Test Client wants to use Notes');
  const answer = (term: string) => page.locator('dt', { hasText: term }).locator('+ dd');
  await expect(answer('Who is asking')).toContainText('It has not been verified.');
  await expect(answer('What it can do').getByRole('listitem')).toHaveText([
    'See who you are and read your notes',
    'Add notes for you',
    'Stay connected until you disconnect it',
  ]);
  await expect(answer('What it can do')).toContainText(new URL(server.issuer).host);
  await expect(answer('Sends you back to')).toContainText(new URL(callback.uri).host);
  await expect(answer('Sends you back to')).toContainText(', on this computer');
  await expect(page.getByText(user.email)).toBeVisible();
  await expect(page.getByRole('alert')).toHaveCount(0);

  await test.step('neither button is focused; both are equally large', async () => {
    await expect(page.locator('body')).toBeFocused();
    const [deny, allow] = await Promise.all(
      ['Deny', 'Allow'].map((name) => page.getByRole('button', { name }).boundingBox()),
    );
    expect(Math.abs(deny!.width - allow!.width)).toBeLessThan(1);
    expect(Math.abs(deny!.height - allow!.height)).toBeLessThan(1);
  });
});

test('for a web application the page names its host and does not warn', async ({ page, server, user, webCallback }) => {
  const client = await McpClient.connect(server.mcp, webCallback.uri, 'Web Client');
  await page.goto(client.authorizationUrl(webCallback.uri, { scope: 'notes:read' }));
  await expect(page.getByText(`to let Web Client (${WEB_HOST}) use Notes`)).toBeVisible();
  await signIn(page, user);
  await expectPage(page, 'consent');
  const answer = (term: string) => page.locator('dt', { hasText: term }).locator('+ dd');
  await expect(answer('Who is asking')).toContainText(WEB_HOST);
  await expect(answer('Sends you back to')).toContainText(new URL(webCallback.uri).host);
  await expect(answer('What it can do').getByRole('listitem')).toHaveText(['See who you are and read your notes']);
  await expect(page.getByText('on this computer')).toHaveCount(0);
});

for (const place of ['127.0.0.1', 'localhost', 'the web'] as const) {
  test(`an application at ${place} is allowed: the browser arrives with a valid code`, async ({ page, server, user }) => {
    const callback = place === 'the web' ? await Callback.onTheWeb() : await Callback.onThisComputer(place);
    try {
      const client = await McpClient.connect(server.mcp, callback.uri);
      await page.goto(client.authorizationUrl(callback.uri));
      await signIn(page, user);
      await decide(page, 'Allow');
      await expect(page.getByRole('heading', { name: 'Back in the application' })).toBeVisible();
      const tokens = await client.exchange(callback.answer, callback.uri);
      expect(tokens).toMatchObject({ scope: 'notes:read notes:write', expires_in: 3600 });
      expect(tokens.token_type.toLowerCase()).toBe('bearer');
      expect(await client.mcpStatus(tokens.access_token)).toBe(200);
    } finally {
      await callback.stop();
    }
  });

  test(`an application at ${place} is denied: the browser arrives with access_denied and no code`, async ({ page, server, user }) => {
    const callback = place === 'the web' ? await Callback.onTheWeb() : await Callback.onThisComputer(place);
    try {
      const client = await McpClient.connect(server.mcp, callback.uri);
      await page.goto(client.authorizationUrl(callback.uri));
      await signIn(page, user);
      await decide(page, 'Deny');
      await expect(page.getByRole('heading', { name: 'Back in the application' })).toBeVisible();
      expect(callback.answer.get('error')).toBe('access_denied');
      expect(callback.answer.get('state')).toBe(client.state);
      expect(callback.answer.get('iss')).toBe(server.issuer);
      expect(callback.answer.has('code')).toBe(false);
    } finally {
      await callback.stop();
    }
  });
}

for (const place of ['the web', '127.0.0.1'] as const) {
  test(`a callback at ${place} may redirect to another origin (requirements 5.1: Claude's redirects into the application)`, async ({
    page,
    server,
    user,
  }) => {
    const beyond = await Callback.onTheWeb(OTHER_WEB_HOST);
    const callback = place === 'the web' ? await Callback.onTheWeb() : await Callback.onThisComputer(place);
    try {
      callback.onward = beyond.uri;
      const client = await McpClient.connect(server.mcp, callback.uri);
      await page.goto(client.authorizationUrl(callback.uri));
      await signIn(page, user);
      await decide(page, 'Allow');
      await expect(page).toHaveURL(beyond.uri);
      expect(callback.answer.has('code')).toBe(true);
    } finally {
      await callback.stop();
      await beyond.stop();
    }
  });
}

test('the loopback port may differ from the registered one', async ({ page, server, user, callback }) => {
  const client = await McpClient.connect(server.mcp, callback.uri.replace(/:\d+\//, '/'));
  await page.goto(client.authorizationUrl(callback.uri));
  await signIn(page, user);
  await decide(page, 'Allow');
  await expect(page).toHaveURL(/\/callback\?code=/);
  expect((await client.exchange(callback.answer, callback.uri)).scope).toBe('notes:read notes:write');
});

test('a user with a session goes straight to the consent page', async ({ page, server, user, client, callback }) => {
  await page.goto(server.url('/login'));
  await signIn(page, user);
  await expectPage(page, 'account');
  await page.goto(client.authorizationUrl(callback.uri));
  await expectPage(page, 'consent');
});

test('"Use a different account" signs out and returns to the same request as another user', async ({ page, server, user, client, callback }) => {
  const other = await server.user('other');
  await page.goto(client.authorizationUrl(callback.uri));
  await signIn(page, user);
  await page.getByRole('button', { name: 'Use a different account' }).click();
  await expectPage(page, 'login');
  await signIn(page, other);
  await expectPage(page, 'consent');
  await expect(page.getByText(other.email)).toBeVisible();
  await expect(page.getByText(user.email)).toHaveCount(0);
});

test('a consent link in another browser shows and decides nothing', async ({
  page,
  server,
  user,
  client,
  callback,
  anotherBrowser,
  complaints,
}) => {
  complaints.tolerate(/status of 400/);
  await page.goto(client.authorizationUrl(callback.uri));
  await signIn(page, user);
  await expectPage(page, 'consent');

  const thief = await anotherBrowser();
  await thief.goto(server.url('/login'));
  await signIn(thief, await server.user('mallory'));
  await expectPage(thief, 'account');
  const response = await thief.goto(page.url());
  expect(response?.status()).toBe(400);
  await expectPage(thief, 'problem');
  await expect(thief.getByText('Test Client')).toHaveCount(0);

  await test.step('it still waits for its own person', async () => {
    await decide(page, 'Allow');
    await expect(page).toHaveURL(/\/callback\?code=/);
    expect(callback.answers).toHaveLength(1);
  });
});

test('a form with the token of another browser decides nothing', async ({ page, server, user, client, callback, anotherBrowser, complaints }) => {
  complaints.tolerate(/status of 400/);
  await page.goto(client.authorizationUrl(callback.uri));
  await signIn(page, user);
  await expectPage(page, 'consent');

  const forger = await anotherBrowser();
  await forger.goto(server.url('/login'));
  const foreign = await forger.locator('input[name=form_token]').first().inputValue();
  await page.locator('form.choice input[name=form_token]').evaluate((field, value) => {
    (field as HTMLInputElement).value = value;
  }, foreign);
  await page.getByRole('button', { name: 'Allow' }).click();
  await expect(page.getByRole('alert')).toHaveText(/nothing was changed/);
  expect(callback.answers).toHaveLength(0);
  await decide(page, 'Allow');
  await expect(page).toHaveURL(/\/callback\?code=/);
});

test('the same form sent twice decides once', async ({ page, user, client, callback, complaints }) => {
  complaints.tolerate(/status of 400/);
  await page.goto(client.authorizationUrl(callback.uri));
  await signIn(page, user);
  await expectPage(page, 'consent');
  const twin = await page.context().newPage();
  await twin.goto(page.url());

  await decide(page, 'Allow');
  await expect(page).toHaveURL(/\/callback\?code=/);
  await decide(twin, 'Allow');
  await expectPage(twin, 'problem');
  await expect(twin.getByRole('heading')).toHaveText('This request to connect is no longer open.');
  await expect(twin.getByText('If you allowed it, the application continues on its own')).toBeVisible();
  expect(callback.answers).toHaveLength(1);

  await test.step('going back does not ask again', async () => {
    await page.goBack();
    await expectPage(page, 'problem');
  });
});

for (const button of ['Allow', 'Deny'] as const) {
  test(`a double click on ${button} leads back to the application with slow responses`, async ({
    page,
    user,
    client,
    callback,
  }) => {
    await page.goto(client.authorizationUrl(callback.uri));
    await signIn(page, user);
    await expectPage(page, 'consent');
    let posts = 0;
    await page.route('**/actions/consent', async (route) => {
      posts += 1;
      const answer = await route.fetch({ maxRedirects: 0 });
      await new Promise((resolve) => setTimeout(resolve, 600));
      await route.fulfill({ response: answer }).catch(() => undefined);
    });
    const pressed = page.getByRole('button', { name: button });
    // Playwright's click would wait for the first response.
    await pressed.evaluate((element: HTMLElement) => {
      element.click();
      setTimeout(() => element.click(), 150);
    });
    await expect(page).toHaveURL(button === 'Allow' ? /\/callback\?code=/ : /\/callback\?error=access_denied/);
    expect(posts).toBe(2);
    if (button === 'Allow') {
      const tokens = await client.exchange(callback.answer, callback.uri);
      expect((await client.me(tokens.access_token)).body).toMatchObject({ client_id: client.clientId });
    }
  });
}

test('keyboard only: from sign-in to Allow, with visible focus', async ({ page, user, client, callback }) => {
  await page.goto(client.authorizationUrl(callback.uri));
  const tabTo = async (name: string) => {
    const focused = () =>
      page.evaluate(() => {
        const part = document.activeElement;
        const label = part instanceof HTMLInputElement ? part.labels?.[0]?.textContent : part?.textContent;
        const { outlineStyle, outlineWidth } = getComputedStyle(part ?? document.body);
        return { label: label ?? '', ring: outlineStyle === 'none' ? 0 : Number.parseFloat(outlineWidth) };
      });
    for (let presses = 0; presses < 12; presses += 1) {
      await page.keyboard.press('Tab');
      const { label, ring } = await focused();
      expect(ring, `focus ring around "${label}"`).toBeGreaterThanOrEqual(2);
      if (label === name) return;
    }
    throw new Error(`"${name}" cannot be reached with the Tab key`);
  };

  await tabTo('Email');
  await page.keyboard.type(user.email);
  await tabTo('Password');
  await page.keyboard.type(user.password);
  await page.keyboard.press('Enter');
  await expectPage(page, 'offer');
  await tabTo('Not now');
  await page.keyboard.press('Enter');
  await expectPage(page, 'consent');
  await tabTo('Deny');
  await tabTo('Allow');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/callback\?code=/);
});
