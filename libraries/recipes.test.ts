// Servers run as `vestibule resource show` prints them: the official client connects, calls a tool and steps up.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Application } from './support/application.ts';
import { PYTHON } from './support/python.ts';
import { accessToken, altered } from './support/tokens.ts';
import { type Resource, Vestibule, end, freePort, until } from './support/vestibule.ts';

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'libraries', version: '1' } },
};
const ADD_NOTE = { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'add_note', arguments: { text: 'Buy milk' } } };
const METADATA = '/.well-known/oauth-protected-resource/mcp';

/** The recipes, each with the lines of its resource. */
const NODE = { file: 'server.ts', command: [process.execPath, '--import', 'tsx', 'server.ts'] };
const STACKS: Record<string, { file: string; command: string[]; lines: string[] }> = {
  express: { ...NODE, lines: ['token = "jwt"'] },
  ts: { ...NODE, lines: ['token = "jwt"', 'jwt_algorithm = "ES256"'] },
  hono: { ...NODE, lines: ['token = "jwt"', 'jwt_algorithm = "EdDSA"', 'jwt_type = "JWT"'] },
  python: { file: 'server.py', command: [PYTHON, 'server.py'], lines: ['token = "jwt"', 'jwt_algorithm = "EdDSA"'] },
  fastmcp: { file: 'server.py', command: [PYTHON, 'server.py'], lines: ['token = "jwt"'] },
};

for (const [stack, { file, command, lines }] of Object.entries(STACKS)) {
  describe(`the recipe for ${stack}, as printed`, { timeout: 120_000 }, () => {
    test('connects, calls a tool, refuses tokens of others, and steps up', async () => {
      const mcp = `http://localhost:${await freePort()}/mcp`;
      const other: Resource = { id: 'other', identifier: 'https://other.example.com/mcp', lines };
      const vestibule = await Vestibule.start([{ id: 'notes', identifier: mcp, lines }, other, { id: 'paseto', identifier: 'https://paseto.example.com' }]);
      const folder = await mkdtemp(join(tmpdir(), 'vestibule-recipe-'));
      await writeFile(join(folder, file), await vestibule.prints(['resource', 'show', 'notes', '--for', stack]));
      await writeFile(join(folder, 'package.json'), '{"type": "module"}');
      await symlink(fileURLToPath(new URL('node_modules', import.meta.url)), join(folder, 'node_modules'));
      const server = await running(command, folder, mcp);
      try {
        await judge(mcp, vestibule);
      } catch (fault) {
        throw new Error(`${(fault as Error).stack}\n\nthe server said:\n${server.output()}`);
      } finally {
        await end(server.child);
        await vestibule.stop();
        await rm(folder, { recursive: true });
      }
    });
  });
}

async function judge(mcp: string, vestibule: Vestibule): Promise<void> {
  const document = await fetch(new URL(METADATA, mcp), { headers: { origin: 'https://client.example' } });
  assert.equal(document.headers.get('access-control-allow-origin'), '*');
  const described = (await document.json()) as Record<string, unknown>;
  assert.equal(described.resource, mcp);
  assert.deepEqual([described.authorization_servers, described.scopes_supported], [[vestibule.issuer], ['notes:read']]);

  const unsigned = await post(mcp, INITIALIZE);
  assert.equal(unsigned.status, 401);
  assert.match(unsigned.challenge, new RegExp(`^Bearer .*resource_metadata="${new URL(METADATA, mcp).href}"`));

  const person = await vestibule.person();
  const own = await accessToken(vestibule, person, mcp);
  assert.equal((await post(mcp, INITIALIZE, own)).status, 200);
  const others = await accessToken(vestibule, person, 'https://other.example.com/mcp');
  const paseto = await accessToken(vestibule, person, 'https://paseto.example.com');
  for (const token of [others, altered(own), paseto, 'x']) {
    const refused = await post(mcp, INITIALIZE, token);
    assert.equal(refused.status, 401);
    assert.match(refused.challenge, /error="invalid_token"/);
  }
  const lacking = await post(mcp, ADD_NOTE, own);
  assert.equal(lacking.status, 403);
  assert.match(lacking.challenge, /error="insufficient_scope"/);
  assert.match(lacking.challenge, /scope="notes:read notes:write"/);
  // Neither an array nor a message that one reader understands and another does not gets around it.
  const big = JSON.stringify(ADD_NOTE).replace('"id":2', `"id":2,"more":${'1'.repeat(5000)}`);
  for (const around of [[ADD_NOTE], big]) assert.ok((await post(mcp, around, own)).status >= 400);
  const mislabelled = await post(mcp, ADD_NOTE, own, 'text/plain; application/json');
  assert.ok(mislabelled.status >= 400);

  const application = new Application(mcp, await vestibule.person());
  await application.connect();
  const { tools } = await application.client.listTools();
  assert.deepEqual(tools.map(({ name }) => name).sort(), ['add_note', 'whoami']);
  assert.match(await application.call('whoami'), /^acct_/);
  assert.equal(await application.callAfterStepUp('add_note', { text: 'Buy milk' }), 'Noted: Buy milk');
  assert.match(String(application.authorizationUrl?.searchParams.get('scope')), /notes:read.*notes:write/);
  await application.client.close();
}

async function post(mcp: string, message: unknown, token?: string, type = 'application/json'): Promise<{ status: number; challenge: string }> {
  const headers: Record<string, string> = { 'content-type': type, accept: 'application/json, text/event-stream' };
  if (token) headers.authorization = `Bearer ${token}`;
  const response = await fetch(mcp, { method: 'POST', headers, body: typeof message === 'string' ? message : JSON.stringify(message) });
  await response.body?.cancel();
  return { status: response.status, challenge: response.headers.get('www-authenticate') ?? '' };
}

/** Starts a server, and waits until it answers. */
async function running(command: string[], folder: string, mcp: string): Promise<{ child: ChildProcess; output: () => string }> {
  let output = '';
  const [program, ...parameters] = command;
  const child = spawn(program!, parameters, { cwd: folder, env: { PATH: process.env.PATH ?? '', HOME: folder } });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  await until(`${mcp} answers`, async () => {
    if (child.exitCode !== null) throw new Error(`the server ended:\n${output}`);
    return (await fetch(mcp, { method: 'POST' }).catch(() => undefined)) !== undefined;
  });
  return { child, output: () => output };
}
