import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type BrowserContext, type BrowserContextOptions, type Page, expect, test as plain } from '@playwright/test';
import { Complaints } from './browser.ts';
import { Callback } from './callback.ts';
import { McpClient } from './client.ts';
import { ClientDocument } from './document.ts';
import { Program, type Start } from './program.ts';
import { Redis } from './redis.ts';
import { type Options, type User, Server } from './server.ts';

export { expect } from '@playwright/test';

interface PerTest {
  /** Messages of browsers. A test fails at its end if there is one that it did not allow. */
  complaints: Complaints;
  /** Another browser with its own cookies. */
  anotherBrowser: (options?: BrowserContextOptions) => Promise<Page>;
  /** A server for this test alone, stopped at its end. */
  startServer: (options?: Options) => Promise<Server>;
  /** Starts a third-party program, which ends with the test. */
  startProgram: (start: Start) => Program;
  /** Publishes a client ID metadata document until the end of the test. */
  publishDocument: (members: Record<string, unknown>) => Promise<ClientDocument>;
  /** A folder for this test. */
  folder: string;
  /** A Redis for this test alone, stopped at its end. */
  redis: Redis;
  /** A user with a password on the shared server. */
  user: User;
  /** An administrator of the shared server. */
  administrator: User;
  /** A loopback callback. */
  callback: Callback;
  /** A callback of a web application. */
  webCallback: Callback;
  /** A client that is registered with the shared server, for `callback`. */
  client: McpClient;
}

interface PerWorker {
  /** A server that all tests of this worker share. Its first account, an administrator, exists. */
  server: Server;
}

export const test = plain.extend<PerTest, PerWorker>({
  server: [
    async ({}, use) => {
      const server = await Server.start();
      await server.administrator('first');
      await use(server);
      await server.stop();
    },
    { scope: 'worker' },
  ],

  complaints: [
    async ({}, use) => {
      const complaints = new Complaints();
      await use(complaints);
      expect(complaints.unexpected, 'complaints of the browser').toEqual([]);
    },
    { auto: true },
  ],

  context: async ({ context, complaints }, use) => {
    await complaints.listenTo(context);
    await use(context);
  },

  anotherBrowser: async ({ browser, complaints }, use) => {
    const opened: BrowserContext[] = [];
    await use(async (options = {}) => {
      const context = await browser.newContext(options);
      opened.push(context);
      await complaints.listenTo(context);
      return context.newPage();
    });
    for (const context of opened) await context.close();
  },

  startServer: async ({}, use) => {
    const started: Server[] = [];
    await use(async (options) => {
      const server = await Server.start(options);
      started.push(server);
      return server;
    });
    for (const server of started) await server.stop();
  },

  startProgram: async ({}, use) => {
    const started: Program[] = [];
    await use((start) => {
      const program = Program.start(start);
      started.push(program);
      return program;
    });
    for (const program of started) await program.stop();
  },

  folder: async ({}, use, testInfo) => {
    const folder = testInfo.outputPath('folder');
    await mkdir(folder, { recursive: true });
    await use(folder);
  },

  publishDocument: async ({ folder }, use) => {
    const published: ClientDocument[] = [];
    await use(async (members) => {
      const document = await ClientDocument.publish(members, join(folder, `certificate-${published.length}.pem`));
      published.push(document);
      return document;
    });
    for (const document of published) await document.stop();
  },

  redis: async ({}, use) => {
    const redis = await Redis.start();
    await use(redis);
    await redis.stop();
  },

  user: async ({ server }, use) => use(await server.user()),

  administrator: async ({ server }, use) => use(await server.administrator()),

  callback: async ({}, use) => {
    const callback = await Callback.onThisComputer();
    await use(callback);
    await callback.stop();
  },

  webCallback: async ({}, use) => {
    const callback = await Callback.onTheWeb();
    await use(callback);
    await callback.stop();
  },

  client: async ({ server, callback }, use) => use(await McpClient.connect(server.mcp, callback.uri)),
});
