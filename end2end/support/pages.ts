import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from '@playwright/test';
import type { Callback } from './callback.ts';
import type { McpClient, Tokens } from './client.ts';
import type { Person } from './server.ts';
import { expect } from './test.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Which page this is, or is about to be. */
export async function expectPage(page: Page, name: string): Promise<void> {
  await expect(page.locator('main')).toHaveAttribute('data-page', name);
}

/** Types address and password on the sign-in page, and sends them. */
export async function signIn(page: Page, person: Person): Promise<void> {
  await page.getByRole('textbox', { name: 'Email' }).fill(person.email);
  await page.getByLabel('Password').fill(person.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

/** Presses one of the buttons of the consent page. */
export async function decide(page: Page, decision: 'Allow' | 'Deny'): Promise<void> {
  await expectPage(page, 'consent');
  await page.getByRole('button', { name: decision }).click();
}

/** From the client's request to its answer, as a person who signs in and allows it. */
export async function allow(page: Page, client: McpClient, callback: Callback, person: Person): Promise<Tokens> {
  await page.goto(client.authorizationUrl(callback.uri));
  await signIn(page, person);
  await decide(page, 'Allow');
  await expect(page).toHaveURL((url) => url.href.startsWith(callback.uri));
  return client.exchange(callback.answer, callback.uri);
}

/** Holds a page against WCAG as far as a program can. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(AXE);
  const findings = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') };
    const { violations } = await axe.run({ resultTypes: ['violations'] });
    return violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  });
  expect(findings, `findings on ${new URL(page.url()).pathname}`).toEqual([]);
}

/** No part of a page lies beyond its right edge. */
export async function expectNoSidewaysScrolling(page: Page): Promise<void> {
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(beyond, `pixels beyond the edge of ${new URL(page.url()).pathname}`).toBeLessThanOrEqual(0);
}

/** How bright what lies behind a part of the page is, from 0 to 1. */
export function brightnessBehind(page: Page, selector: string): Promise<number> {
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
