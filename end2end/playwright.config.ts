import { defineConfig } from '@playwright/test';
import { launchOptions } from './support/browser.ts';

/** The browser is the system's Chromium; CHROMIUM names another one. VESTIBULE_BINARY names another server. */
export default defineConfig({
  testDir: 'tests',
  // Emptied at each start, so the screenshots lie beside it.
  outputDir: 'test-results/run',
  workers: 2,
  fullyParallel: true,
  forbidOnly: !!process.env.CI,
  timeout: 90_000,
  expect: { timeout: 10_000 },
  reporter: [['list']],
  use: {
    launchOptions,
    // For the callback servers, whose certificate is made for the run. Vestibule itself is plain http here.
    ignoreHTTPSErrors: true,
    actionTimeout: 15_000,
    navigationTimeout: 15_000,
    trace: 'retain-on-failure',
  },
  projects: [
    { name: 'pages', testIgnore: ['screenshots.spec.ts', 'measure.spec.ts'] },
    { name: 'screenshots', testMatch: 'screenshots.spec.ts' },
    // A trace would be measured along.
    { name: 'measure', testMatch: 'measure.spec.ts', use: { trace: 'off' } },
  ],
});
