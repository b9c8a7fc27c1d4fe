import type { Page } from '@playwright/test';
import { brightnessBehind, expectAccessible, expectNoSidewaysScrolling, expectPage, signIn } from '../support/pages.ts';
import type { McpClient } from '../support/client.ts';
import type { Callback } from '../support/callback.ts';
import type { Person, Server } from '../support/server.ts';
import { expect, test } from '../support/test.ts';

interface Cast {
  server: Server;
  client: McpClient;
  callback: Callback;
  person: Person;
}

/** How to get to each page, from a browser nobody is signed in with. */
const PAGES: Record<string, (page: Page, cast: Cast) => Promise<void>> = {
  'sign-in': async (page, { client, callback }) => {
    await page.goto(client.authorizationUrl(callback.uri));
    await expectPage(page, 'login');
  },
  'sign-in after a wrong password': async (page, { client, callback, person }) => {
    await page.goto(client.authorizationUrl(callback.uri));
    await signIn(page, { ...person, password: 'not the password' });
    await expect(page.getByRole('alert')).toBeVisible();
  },
  consent: async (page, { client, callback, person }) => {
    await page.goto(client.authorizationUrl(callback.uri));
    await signIn(page, person);
    await expectPage(page, 'consent');
  },
  account: async (page, { server, person }) => {
    await page.goto(server.url('/login'));
    await signIn(page, person);
    await expectPage(page, 'account');
  },
  enrolment: async (page, { server }) => {
    await page.goto(await server.enrolmentLink('a.person.with.a.rather.long.address@department.of.many.words.example.com'));
    await expectPage(page, 'enroll');
  },
  problem: async (page, { client, callback }) => {
    await page.goto(client.authorizationUrl(callback.uri, { client_id: 'no-such-client' }));
    await expectPage(page, 'problem');
    await page.getByText('Details for the application').click();
  },
};

test.beforeEach(({ complaints }) => complaints.tolerate(/status of 400/));

for (const [name, open] of Object.entries(PAGES)) {
  test(`${name}: accessible in light and dark, which really differ, and whole at 320 pixels and 200 % zoom`, async ({
    page,
    server,
    client,
    callback,
    person,
  }) => {
    await page.emulateMedia({ colorScheme: 'light' });
    await open(page, { server, client, callback, person });
    await expectAccessible(page);
    const light = { ground: await brightnessBehind(page, 'html'), card: await brightnessBehind(page, 'main') };
    expect(Math.min(light.ground, light.card)).toBeGreaterThan(0.85);

    await page.emulateMedia({ colorScheme: 'dark' });
    await expectAccessible(page);
    const dark = { ground: await brightnessBehind(page, 'html'), card: await brightnessBehind(page, 'main') };
    expect(Math.max(dark.ground, dark.card)).toBeLessThan(0.25);

    await page.setViewportSize({ width: 320, height: 640 });
    await expectAccessible(page);
    await expectNoSidewaysScrolling(page);

    // A window of 1280 pixels at 200 %, and then with text alone of twice the size.
    await page.setViewportSize({ width: 640, height: 400 });
    await expectNoSidewaysScrolling(page);
    await page.evaluate(() => (document.documentElement.style.fontSize = '200%'));
    await expectNoSidewaysScrolling(page);
  });
}

test('setup: accessible in light and dark, and whole at 320 pixels', async ({ page, startServer }) => {
  const server = await startServer();
  await page.setViewportSize({ width: 320, height: 640 });
  await page.goto(await server.firstAccountLink());
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await expectAccessible(page);
    await expectNoSidewaysScrolling(page);
  }
});

test('every control is at least 44 pixels high', async ({ page, server, client, callback, person }) => {
  for (const open of [PAGES['sign-in'], PAGES.consent]) {
    await open!(page, { server, client, callback, person });
    const heights = await page.locator('main :is(button, input:not([type=hidden]), summary)').evaluateAll((parts) =>
      parts.map((part) => `${part.textContent || part.id}: ${Math.round(part.getBoundingClientRect().height)}`),
    );
    expect(heights.length).toBeGreaterThan(1);
    expect(heights.filter((height) => Number(height.split(': ').pop()) < 44)).toEqual([]);
  }
});

test('with colours forced by the system, buttons and the warning keep their shapes', async ({ page, server, client, callback, person }) => {
  await page.emulateMedia({ forcedColors: 'active' });
  await PAGES.consent!(page, { server, client, callback, person });
  const width = (selector: string, side: string) =>
    page.locator(selector).evaluate((part, side) => Number.parseFloat(getComputedStyle(part).getPropertyValue(side)), side);
  expect(await width('.button.filled', 'border-top-width')).toBeGreaterThan(await width('.button:not(.filled)', 'border-top-width'));
  expect(await width('.caution', 'border-left-width')).toBeGreaterThanOrEqual(3);
});

test('what a page loads is its own, compressed and kept for ever; the page itself is kept nowhere', async ({ page, server }) => {
  const loaded: { path: string; encoding: string | undefined; cache: string | undefined; size: number }[] = [];
  page.on('requestfinished', async (request) => {
    const response = await request.response();
    const { responseBodySize } = await request.sizes();
    const headers = response?.headers() ?? {};
    expect(new URL(request.url()).origin).toBe(server.issuer);
    loaded.push({
      path: new URL(request.url()).pathname,
      encoding: headers['content-encoding'],
      cache: headers['cache-control'],
      size: responseBodySize,
    });
  });
  const response = await page.goto(server.url('/login'));
  await expect(page.getByRole('button', { name: 'Sign in with a passkey' })).toBeEnabled();
  expect(response?.headers()['cache-control']).toBe('no-store');
  expect(response?.headers()['content-security-policy']).toContain("frame-ancestors 'none'");

  const ofTheSite = () => loaded.filter(({ path }) => path.startsWith('/pkg/'));
  const kinds = () => [...new Set(ofTheSite().map(({ path }) => path.split('.').pop()))].sort();
  await expect.poll(kinds).toEqual(['css', 'js', 'wasm']);
  const files = ofTheSite();
  for (const file of files) {
    expect(file, file.path).toMatchObject({ cache: 'public, max-age=31536000, immutable' });
    expect(file.encoding, file.path).toMatch(/^(br|gzip)$/);
  }
  const scripts = files.filter(({ path }) => !path.endsWith('.css'));
  expect(scripts.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(130_000);
});
