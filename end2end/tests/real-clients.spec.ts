import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import type { ClientDocument } from '../support/document.ts';
import { decide, expectPage, signIn } from '../support/pages.ts';
import { commandOf } from '../support/program.ts';
import { freePort } from '../support/server.ts';
import { expect, test } from '../support/test.ts';

/** Messages about a client's final page, which cannot close its window and has no icon. */
const ITS_PAGE = /Scripts may close only|favicon\.ico/;
const WAYS = ['registered dynamically', 'known by its metadata document'] as const;

for (const way of WAYS) {
  test(`mcp-remote, ${way}: discovery, sign-in, tool call, refresh`, async ({
    page,
    startServer,
    startProgram,
    publishDocument,
    complaints,
    folder,
  }) => {
    const port = await freePort();
    const redirect = `http://localhost:${port}/oauth/callback`;
    const document = await publishDocument({ client_name: 'MCP CLI Client', redirect_uris: [redirect], token_endpoint_auth_method: 'none' });
    // It refreshes a token a minute before its expiry, so with each request for tokens this short.
    const server = await startServer({
      settings: { VESTIBULE_ACCESS_TOKEN_LIFETIME: '30s', SSL_CERT_FILE: document.certificateFile },
    });
    const known = way === 'registered dynamically' ? [] : ['--client-metadata-url', document.url];
    const parameters = [server.mcp, String(port), '--auth-timeout', '80', ...known];

    await test.step('its client command signs in and lists the tools', async () => {
      const command = startProgram(commandOf('mcp-remote', 'mcp-remote-client', parameters, folder));
      complaints.tolerate(ITS_PAGE);
      await page.goto(await command.shows(/authorize this client by visiting:\s+(\S+)/));
      await signIn(page, await server.user());
      await expectPage(page, 'consent');
      await expect(page.getByRole('heading', { level: 1 })).toHaveText('MCP CLI Client wants to use Notes');
      await decide(page, 'Allow');
      await command.succeeds();
      expect(command.output).toMatch(/Tools: [^]*"whoami"/);
    });

    await test.step('its proxy calls a tool for another program, with a token it has refreshed', async () => {
      const start = commandOf('mcp-remote', 'mcp-remote', parameters, folder);
      const transport = new StdioClientTransport({ ...start, stderr: 'pipe' });
      let said = '';
      transport.stderr?.on('data', (chunk) => (said += chunk));
      const client = new Client({ name: 'end2end', version: '1.0.0' });
      await client.connect(transport);
      const whoami = await client.callTool({ name: 'whoami', arguments: {} });
      await client.close();
      const caller = whoami.structuredContent as { client_id: string; sub: string };
      expect(caller.sub).toMatch(/^acct_/);
      expect(caller.client_id).toEqual(expectedId(way, document));
      expect(said).toContain('Refreshed the access token before it expired');
      expect(said).not.toContain('authorize this client');
    });
    expect(document.fetched).toBe(way === 'registered dynamically' ? 0 : 1);
  });

  test(`the Inspector's command line, ${way}: discovery, sign-in, tool call, refresh`, async ({
    page,
    startServer,
    startProgram,
    publishDocument,
    complaints,
    folder,
  }) => {
    const redirect = `http://127.0.0.1:${await freePort()}/oauth/callback`;
    const document = await publishDocument({ client_name: 'MCP Inspector', redirect_uris: [redirect], token_endpoint_auth_method: 'none' });
    const server = await startServer({ settings: { SSL_CERT_FILE: document.certificateFile } });
    const known = way === 'registered dynamically' ? [] : ['--client-metadata-url', document.url];
    const call = (tool: string, ...more: string[]) => {
      const parameters = [
        ...['--cli', server.mcp, '--transport', 'http', '--callback-url', redirect, '--connect-timeout', '60000', ...known],
        ...['--method', 'tools/call', '--tool-name', tool, '--format', 'json', ...more],
      ];
      const start = commandOf('@modelcontextprotocol/inspector', 'mcp-inspector', parameters, folder);
      // Without a terminal, it signs in only if it may open a browser.
      Object.assign(start.env, { MCP_AUTO_OPEN_ENABLED: 'true', MCP_INSPECTOR_SECRET_STORE: 'file' });
      return startProgram(start);
    };

    await test.step('it signs in and calls a tool', async () => {
      const command = call('whoami');
      complaints.tolerate(ITS_PAGE);
      await page.goto(await command.shows(/Please navigate to: (\S+)/));
      await signIn(page, await server.user());
      await expectPage(page, 'consent');
      await expect(page.getByRole('heading', { level: 1 })).toHaveText('MCP Inspector wants to use Notes');
      await decide(page, 'Allow');
      await command.succeeds();
      expect(result(command.answer).client_id).toEqual(expectedId(way, document));
    });

    await test.step('once its token is no longer good it refreshes, and nobody has to sign in again', async () => {
      const secrets = join(folder, '.mcp-inspector', 'secrets.json');
      const before = await readFile(secrets, 'utf8');
      await writeFile(secrets, before.replace(/v4\.public\.[\w.-]+/, 'v4.public.no-longer-good'));
      const command = call('whoami', '--stored-auth-only');
      await command.succeeds();
      expect(result(command.answer).sub).toMatch(/^acct_/);
      const refreshToken = (text: string) => text.match(/vrt_[\w-]+/)?.[0];
      expect(refreshToken(await readFile(secrets, 'utf8'))).not.toBe(refreshToken(before));
    });

    expect(document.fetched).toBe(way === 'registered dynamically' ? 0 : 1);

    // It reads a challenge for more scopes only with a preconfigured client; otherwise it treats 403 as 401, refreshes, and ends
    // in an internal error.
    if (way === 'registered dynamically') return;
    await test.step('for another tool it needs more, asks once more, and the person sees what is new', async () => {
      const command = call('add_note', '--tool-arg', 'text=Buy milk');
      await command.shows(/(Proceed with step-up authorization)/);
      command.type('y\n');
      await page.goto(await command.shows(/Please navigate to: (\S+)/));
      await expectPage(page, 'consent');
      await expect(page.locator('.permissions').getByRole('listitem').filter({ hasText: 'New' })).toHaveText(['New Add notes for you']);
      await decide(page, 'Allow');
      await command.succeeds();
      expect(result(command.answer)).toEqual({ notes: 1 });
    });
  });
}

/** The result of a tool, as the Inspector prints it. */
function result(answer: string): Record<string, unknown> {
  const printed = JSON.parse(answer) as { result: { structuredContent: Record<string, unknown> } };
  return printed.result.structuredContent;
}

/** Its client id. */
function expectedId(way: (typeof WAYS)[number], document: ClientDocument): unknown {
  return way === 'registered dynamically' ? expect.stringMatching(/^vc_/) : document.url;
}
