import type { BrowserContext, LaunchOptions } from '@playwright/test';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Host names that resolve to this computer, for callbacks of web applications. */
export const WEB_HOST = 'client.example';
export const OTHER_WEB_HOST = 'app.elsewhere.example';

export const launchOptions: LaunchOptions = {
  executablePath: CHROMIUM,
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--host-resolver-rules=MAP *.example 127.0.0.1',
  ],
};

/** Collects console messages, uncaught errors, policy violations and dialogs of a browser. */
export class Complaints {
  #heard: string[] = [];
  // A message about the wasm without JavaScript, or on a slow machine.
  #tolerated = [/preloaded using link preload but not used within a few seconds/];

  async listenTo(context: BrowserContext): Promise<void> {
    context.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') {
        this.#heard.push(`${message.text()} [${message.location().url}]`);
      }
    });
    context.on('weberror', (fault) => this.#heard.push(`uncaught: ${fault.error().message}`));
    context.on('dialog', (dialog) => {
      this.#heard.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI}`);
      });
    });
  }

  /** Allows messages that a test provokes. */
  tolerate(pattern: RegExp): void {
    this.#tolerated.push(pattern);
  }

  get unexpected(): string[] {
    return this.#heard.filter((text) => !this.#tolerated.some((pattern) => pattern.test(text)));
  }
}
