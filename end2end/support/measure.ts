import type { Browser, BrowserContext, Page, Request } from '@playwright/test';
import { expectPage } from './pages.ts';
import { expect } from './test.ts';

/** Cookies of a browser, for other browsers. */
export type Cookies = Awaited<ReturnType<BrowserContext['storageState']>>;

interface Place {
  /** The `data-page` of its `<main>`. */
  page: string;
  address: string;
  /** The cookies of the browser; by default a new one. */
  as: Cookies | undefined;
}

const KINDS = ['HTML', 'CSS', 'JS', 'wasm'] as const;
type Kind = (typeof KINDS)[number];

/** One load, or the median of several: milliseconds since navigation, and bytes as sent. */
interface Figures {
  painted: number;
  /** When the page is visible and every button is enabled: those that need script wait for it. */
  usable: number;
  sent: Record<Kind, number>;
}

declare global {
  interface Window {
    usable?: number;
  }
}

/** Figures of pages, one row each. */
export class Table {
  #rows: string[][] = [];
  /** Errors of pages that could not be measured. */
  readonly faults: string[] = [];

  constructor(
    private readonly browser: Browser,
    private readonly origin: string,
    private readonly loads: number,
  ) {}

  /** Measures the page with this `data-page`, for a new browser or for one with these cookies. */
  async add(name: string, page: string, path: string, as?: Cookies): Promise<void> {
    const place = { page, address: new URL(path, this.origin).href, as };
    try {
      this.#rows.push([name, ...cellsOf(await measure(this.browser, place, this.loads))]);
    } catch (fault) {
      this.faults.push(`${name}: ${fault}`);
      this.#rows.push([name, ...HEADING.slice(1).map(() => '?')]);
    }
  }

  markdown(): string {
    const rule = ['---', ...HEADING.slice(1).map(() => '--:')].join('|');
    const rows = this.#rows.map((cells) => `| ${cells.join(' | ')} |`);
    return [`| ${HEADING.join(' | ')} |`, `|${rule}|`, ...rows].join('\n');
  }
}

const HEADING = ['page', 'first paint, ms', 'usable, ms', ...KINDS, 'bytes in all'];

function cellsOf({ painted, usable, sent }: Figures): string[] {
  const sizes = KINDS.map((kind) => sent[kind]);
  const sum = sizes.reduce((sum, size) => sum + size, 0);
  return [painted.toFixed(0), usable.toFixed(0), ...sizes.map((size) => (size ? String(size) : '')), String(sum)];
}

/** The median of several loads, each in a browser with an empty cache. One load before them is ignored. */
async function measure(browser: Browser, place: Place, loads: number): Promise<Figures> {
  await loadOnce(browser, place);
  const all: Figures[] = [];
  for (let load = 0; load < loads; load += 1) all.push(await loadOnce(browser, place));
  const of = (figure: (figures: Figures) => number) => median(all.map(figure));
  return {
    painted: of(({ painted }) => painted),
    usable: of(({ usable }) => usable),
    sent: byKind((kind) => of(({ sent }) => sent[kind])),
  };
}

async function loadOnce(browser: Browser, { page: name, address, as }: Place): Promise<Figures> {
  const context = await browser.newContext(as ? { storageState: as } : {});
  try {
    const page = await context.newPage();
    await page.addInitScript(recordWhenUsable);
    const finished: Request[] = [];
    page.on('requestfinished', (request) => finished.push(request));
    await page.goto(address, { waitUntil: 'networkidle' });
    await expectPage(page, name);
    const usable = await whenUsable(page);
    const painted = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN);
    return { painted, usable: Math.max(painted, usable), sent: await sent(finished) };
  } finally {
    await context.close();
  }
}

/** Runs in the page, before any other script. */
function recordWhenUsable(): void {
  const look = () => {
    if (window.usable === undefined && document.readyState !== 'loading' && !document.querySelector('button:disabled')) {
      window.usable = performance.now();
    }
  };
  document.addEventListener('readystatechange', look);
  new MutationObserver(look).observe(document, { attributes: true, childList: true, subtree: true });
}

async function whenUsable(page: Page): Promise<number> {
  const usable = () => page.evaluate(() => window.usable);
  await expect.poll(usable, 'every button can be pressed').toBeDefined();
  return (await usable()) ?? Number.NaN;
}

/** The sizes of the bodies as sent, compressed or not. */
async function sent(requests: Request[]): Promise<Record<Kind, number>> {
  const sums = byKind(() => 0);
  for (const request of requests) {
    const kind = kindOf(request);
    if (kind) sums[kind] += (await request.sizes()).responseBodySize;
  }
  return sums;
}

function kindOf(request: Request): Kind | undefined {
  if (request.isNavigationRequest()) return 'HTML';
  const path = new URL(request.url()).pathname;
  return KINDS.find((kind) => path.endsWith(`.${kind.toLowerCase()}`));
}

function byKind(value: (kind: Kind) => number): Record<Kind, number> {
  return { HTML: value('HTML'), CSS: value('CSS'), JS: value('JS'), wasm: value('wasm') };
}

function median(values: number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
