import { defineConfig } from '@playwright/test';
import { launchOptions } from './support/browser.ts';

/** The browser is the system's Chromium, or the one in CHROMIUM. VESTIBULE_BINARY names another server binary. */
export default defineConfig({
  testDir: 'tests',
  // Emptied at each start, so screenshots are stored beside it.
  outputDir: 'test-results/run',
  workers: 2,
  fullyParallel: true,
  forbidOnly: !!process.env.CI,
  timeout: 90_000,
  expect: { timeout: 10_000 },
  reporter: [['list']],
  use: {
    launchOptions,
    // For the callback servers, whose certificate is created for the run. Vestibule uses plain http here.
    ignoreHTTPSErrors: true,
    actionTimeout: 15_000,
    navigationTimeout: 15_000,
    trace: 'retain-on-failure',
  },
  projects: [
    { name: 'pages', testIgnore: ['screenshots.spec.ts', 'measure.spec.ts'] },
    { name: 'screenshots', testMatch: 'screenshots.spec.ts' },
    // A trace would affect the measurement.
    { name: 'measure', testMatch: 'measure.spec.ts', use: { trace: 'off' } },
  ],
});
