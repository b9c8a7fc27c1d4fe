import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Locator, Page } from '@playwright/test';
import type { Callback } from './callback.ts';
import type { McpClient, Tokens } from './client.ts';
import type { User, Server } from './server.ts';
import { expect } from './test.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Expects this page, now or soon. */
export async function expectPage(page: Page, name: string): Promise<void> {
  await expect(page.locator('main')).toHaveAttribute('data-page', name);
}

/** Performs an action that navigates, and waits for the new page. */
export async function navigate(page: Page, act: () => Promise<unknown>): Promise<void> {
  const turned = page.waitForEvent('framenavigated', (frame) => frame === page.mainFrame());
  await Promise.all([turned, act()]);
  await page.waitForLoadState('domcontentloaded');
}

/** Signs in with a password on the login page, and declines a passkey if one is offered. */
export async function signIn(page: Page, user: User): Promise<void> {
  await submitPassword(page, user);
  if (await page.locator('main[data-page=offer]').count()) await decline(page);
}

/** Submits address and password on the login page. */
export async function submitPassword(page: Page, { email, password }: User): Promise<void> {
  await page.getByRole('textbox', { name: 'Email' }).fill(email);
  await page.getByLabel('Password').fill(password);
  await navigate(page, () => page.getByRole('button', { name: 'Sign in', exact: true }).click());
}

/** Declines the offer of a passkey. */
export async function decline(page: Page): Promise<void> {
  await expectPage(page, 'offer');
  await navigate(page, () => page.getByRole('button', { name: 'Not now' }).click());
}

/** Signs in, and stays on the account page. */
export async function openAccount(page: Page, server: Server, user: User): Promise<void> {
  await page.goto(server.url('/login'));
  await signIn(page, user);
  await expectPage(page, 'account');
}

/** Signs an administrator in, and opens one of the administration pages. */
export async function openAdminPage(page: Page, server: Server, administrator: User, place: string): Promise<void> {
  await openAccount(page, server, administrator);
  await page.goto(server.url(`/admin/${place}`));
  await expectPage(page, `admin-${place}`);
}

/** Signs out on the account page. */
export async function signOut(page: Page): Promise<void> {
  await navigate(page, () => page.getByRole('button', { name: 'Sign out', exact: true }).click());
  await expectPage(page, 'login');
}

/** A part of a page, by its heading. */
export function section(page: Page, heading: string): Locator {
  return page.getByRole('region', { name: heading, exact: true });
}

/** A row of a part of the page with all of these texts. */
export function row(part: Locator, ...words: (string | RegExp)[]): Locator {
  return words.reduce((rows, text) => rows.filter({ hasText: text }), part.locator('.rows > li'));
}

/** Opens a disclosure by its summary, usually a confirmation. */
export async function openDetails(part: Locator, summary: string): Promise<void> {
  await part.locator('summary', { hasText: new RegExp(`^${summary}`) }).click();
}

/** Presses a button that submits a form, and waits for the next page. */
export async function press(part: Page | Locator, name: string | RegExp): Promise<void> {
  const page = 'goto' in part ? part : part.page();
  await navigate(page, () => part.getByRole('button', typeof name === 'string' ? { name, exact: true } : { name }).click());
}

/** Presses the same button in several browsers concurrently; returns the resulting page of each. */
export async function race(pages: Page[], name: string | RegExp): Promise<(string | null)[]> {
  await Promise.all(pages.map((page) => press(page, name)));
  return Promise.all(pages.map((page) => page.locator('main').getAttribute('data-page')));
}

/** With and without JavaScript: everything except passkeys works both ways. */
export const WAYS = [
  { javaScriptEnabled: true, way: 'with JavaScript' },
  { javaScriptEnabled: false, way: 'without JavaScript' },
] as const;

/** Presses one of the buttons of the consent page. */
export async function decide(page: Page, decision: 'Allow' | 'Deny'): Promise<void> {
  await expectPage(page, 'consent');
  await page.getByRole('button', { name: decision }).click();
}

/** The whole flow from the client's request to its tokens, for a user who signs in and allows it. */
export async function allow(page: Page, client: McpClient, callback: Callback, user: User): Promise<Tokens> {
  await page.goto(client.authorizationUrl(callback.uri));
  await signIn(page, user);
  await decide(page, 'Allow');
  await expect(page).toHaveURL((url) => url.href.startsWith(callback.uri));
  return client.exchange(callback.answer, callback.uri);
}

/** Checks a page against WCAG, as far as a program can. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(AXE);
  const findings = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') };
    const { violations } = await axe.run({ resultTypes: ['violations'] });
    return violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  });
  expect(findings, `findings on ${new URL(page.url()).pathname}`).toEqual([]);
}

/** Expects that no part of a page exceeds its width. */
export async function expectNoSidewaysScrolling(page: Page): Promise<void> {
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(beyond, `pixels beyond the edge of ${new URL(page.url()).pathname}`).toBeLessThanOrEqual(0);
}

/** The brightness of the background of an element, from 0 to 1. */
export function backgroundBrightness(page: Page, selector: string): Promise<number> {
  return page.locator(selector).evaluate((part) => {
    const canvas = document.createElement('canvas').getContext('2d');
    if (!canvas) throw new Error('no canvas');
    canvas.fillStyle = getComputedStyle(part).backgroundColor;
    canvas.fillRect(0, 0, 1, 1);
    const [red = 0, green = 0, blue = 0, alpha = 0] = canvas.getImageData(0, 0, 1, 1).data;
    if (alpha < 255) throw new Error('transparent');
    return (red + green + blue) / 3 / 255;
  });
}
