import type { Page } from '@playwright/test';
import { backgroundBrightness, expectAccessible, expectNoSidewaysScrolling, signIn } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';
import { TOUR, prepareCast, openAllDetails } from '../support/tour.ts';

const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
const SMALLEST = { width: 320, height: 640 };

test.beforeEach(({ complaints }) => complaints.tolerate(/status of 4(00|03)/));

for (const [name, open] of Object.entries(TOUR)) {
  test(`${name}: accessible in light and dark mode, and complete on every screen and at 200 % zoom`, async ({
    page,
    startServer,
    callback,
  }) => {
    await page.setViewportSize(DESKTOP);
    await page.emulateMedia({ colorScheme: 'light' });
    await open(page, await prepareCast(startServer, callback));
    await expectAccessible(page);
    await expectNoSidewaysScrolling(page);
    const light = { ground: await backgroundBrightness(page, 'html'), card: await backgroundBrightness(page, 'main') };
    expect(Math.min(light.ground, light.card)).toBeGreaterThan(0.85);

    await page.emulateMedia({ colorScheme: 'dark' });
    await expectAccessible(page);
    const dark = { ground: await backgroundBrightness(page, 'html'), card: await backgroundBrightness(page, 'main') };
    expect(Math.max(dark.ground, dark.card)).toBeLessThan(0.25);

    await test.step('with every second step open', async () => {
      await openAllDetails(page);
      await expectNoSidewaysScrolling(page);
      await page.setViewportSize(PHONE);
      await expectNoSidewaysScrolling(page);
      await expectControlsOfSize(page);
      for (const colorScheme of ['dark', 'light'] as const) {
        await page.emulateMedia({ colorScheme });
        await expectAccessible(page);
      }
      await page.setViewportSize(SMALLEST);
      await expectAccessible(page);
      await expectNoSidewaysScrolling(page);
      await expectControlsOfSize(page);
    });

    await test.step('with colours forced by the system, and with motion reduced', async () => {
      await page.emulateMedia({ forcedColors: 'active' });
      await expectNoSidewaysScrolling(page);
      await expectEdges(page);
      await page.emulateMedia({ forcedColors: 'none', reducedMotion: 'reduce' });
      await expectNoMotion(page);
    });

    // A window of 1280 pixels at 200 %, and then with text of twice the size.
    await page.setViewportSize({ width: 640, height: 400 });
    await expectNoSidewaysScrolling(page);
    await page.evaluate(() => (document.documentElement.style.fontSize = '200%'));
    await expectNoSidewaysScrolling(page);
  });
}

/** Expects that touch targets are 44 pixels high, or 24 with a label of that height (WCAG 2.5.8). */
async function expectControlsOfSize(page: Page): Promise<void> {
  const heights = await page.locator('main :is(button, .button, input, select, textarea, summary)').evaluateAll((parts) =>
    parts
      .filter((part) => part.checkVisibility() && !part.closest('.unseen, [aria-hidden=true]') && !part.matches('[type=hidden]'))
      .map((part) => (part.matches('[type=checkbox]') ? part.closest('label') ?? part : part))
      .map((part) => `${part.textContent || part.id}: ${Math.round(part.getBoundingClientRect().height)}`),
  );
  expect(heights.length).toBeGreaterThan(0);
  expect(heights.filter((height) => Number(height.split(': ').pop()) < 44)).toEqual([]);
}

/** Expects that buttons and fields have a border when their background is not shown. */
async function expectEdges(page: Page): Promise<void> {
  const bare = await page.locator('main :is(.button, input, select, textarea)').evaluateAll((parts) =>
    parts
      .filter((part) => part.checkVisibility() && !part.closest('.unseen, [aria-hidden=true]') && !part.matches('[type=hidden], [type=checkbox]'))
      .filter((part) => Number.parseFloat(getComputedStyle(part).borderTopWidth) < 1)
      .map((part) => part.outerHTML),
  );
  expect(bare).toEqual([]);
}

/** Expects that no animation runs or would run noticeably long. */
async function expectNoMotion(page: Page): Promise<void> {
  const moving = await page.evaluate(() => {
    const seconds = (durations: string) => Math.max(...durations.split(',').map((duration) => Number.parseFloat(duration)));
    const long = (part: Element) => {
      const { animationDuration, transitionDuration } = getComputedStyle(part);
      return Math.max(seconds(animationDuration), seconds(transitionDuration)) > 0.01;
    };
    return [...document.querySelectorAll('*')].filter(long).map((part) => part.outerHTML.slice(0, 200));
  });
  expect(moving).toEqual([]);
}

for (const name of ['sign-in', 'recovery', 'sign-up', 'offer', 'consent', 'enrolment', 'reset', 'account', 'codes', 'admin-accounts', 'admin-audit']) {
  test(`${name}: complete without JavaScript, too`, async ({ anotherBrowser, startServer, callback }) => {
    const page = await anotherBrowser({ javaScriptEnabled: false, viewport: SMALLEST });
    await TOUR[name]!(page, await prepareCast(startServer, callback));
    await openAllDetails(page);
    await expectNoSidewaysScrolling(page);
    await expectControlsOfSize(page);
    await expect(page.locator('main button:disabled')).toBeHidden();
  });
}

test('setup: accessible in light and dark mode, and complete at 320 pixels', async ({ page, startServer }) => {
  const server = await startServer();
  await page.setViewportSize({ width: 320, height: 640 });
  await page.goto(await server.firstAccountLink());
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await expectAccessible(page);
    await expectNoSidewaysScrolling(page);
  }
});

test('with forced colours, buttons and warnings keep their shapes', async ({ page, client, callback, user }) => {
  await page.emulateMedia({ forcedColors: 'active' });
  await page.goto(client.authorizationUrl(callback.uri));
  await signIn(page, user);
  const width = (selector: string, side: string) =>
    page.locator(selector).evaluate((part, side) => Number.parseFloat(getComputedStyle(part).getPropertyValue(side)), side);
  expect(await width('.button.filled', 'border-top-width')).toBeGreaterThan(await width('.button:not(.filled)', 'border-top-width'));
  expect(await width('.caution', 'border-left-width')).toBeGreaterThanOrEqual(3);
});

test('the files of a page are compressed and cached without limit; the page itself is not cached', async ({ page, server }) => {
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
