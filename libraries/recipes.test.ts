// Servers run as `vestibule resource show` prints them: the official client connects, calls a tool and steps up.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
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
/** Where the program in Rust is compiled. */
const TARGET = join(process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL('../target', import.meta.url)), 'recipe');
const METADATA = '/.well-known/oauth-protected-resource/mcp';

interface Run {
  stack: string;
  /** The lines of its resource. */
  lines: string[];
  file: string;
  command: string[];
  /** What has to be done first. */
  prepare?: (folder: string, recipe: string) => Promise<void>;
}

const NODE = { file: 'server.ts', command: [process.execPath, '--import', 'tsx', 'server.ts'], prepare: linkPackages };
const SCRIPT = { file: 'server.py', command: [PYTHON, 'server.py'] };
const RUST = { stack: 'rust', file: 'main.rs', command: [join(TARGET, 'debug', 'server')], prepare: compile };
const RUNS: Run[] = [
  { ...NODE, stack: 'express', lines: ['token = "jwt"'] },
  { ...NODE, stack: 'ts', lines: ['token = "jwt"', 'jwt_algorithm = "ES256"'] },
  { ...NODE, stack: 'hono', lines: ['token = "jwt"', 'jwt_algorithm = "EdDSA"', 'jwt_type = "JWT"'] },
  { ...SCRIPT, stack: 'python', lines: ['token = "jwt"', 'jwt_algorithm = "EdDSA"'] },
  { ...SCRIPT, stack: 'fastmcp', lines: ['token = "jwt"'] },
  { ...RUST, lines: [] },
  { ...RUST, lines: ['token = "jwt"', 'jwt_algorithm = "ES256"', 'jwt_type = "JWT"'] },
];

for (const { stack, lines, file, command, prepare } of RUNS) {
  const format = lines.join(', ') || 'PASETO';
  test(`the recipe for ${stack}, as printed, with ${format}`, { timeout: 900_000 }, async () => {
    const mcp = `http://localhost:${await freePort()}/mcp`;
    const other: Resource = { id: 'other', identifier: 'https://other.example.com/mcp', lines };
    const vestibule = await Vestibule.start([{ id: 'notes', identifier: mcp, lines }, other, { id: 'paseto', identifier: 'https://paseto.example.com' }]);
    const folder = await mkdtemp(join(tmpdir(), 'vestibule-recipe-'));
    const recipe = await vestibule.prints(['resource', 'show', 'notes', '--for', stack]);
    await writeFile(join(folder, file), recipe);
    await prepare?.(folder, recipe);
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
}

/** The packages that its first lines install are here already. */
async function linkPackages(folder: string): Promise<void> {
  await writeFile(join(folder, 'package.json'), '{"type": "module"}');
  await symlink(fileURLToPath(new URL('node_modules', import.meta.url)), join(folder, 'node_modules'));
}

/** A package with the dependencies that the first lines of the program name, in the versions of this workspace. */
async function compile(folder: string, recipe: string): Promise<void> {
  const dependencies = recipe.match(/^\/\/! ```toml\n([^]*?)^\/\/! ```/m)?.[1]?.replaceAll(/^\/\/! ?/gm, '');
  const own = `[package]\nname = "server"\nversion = "0.1.0"\nedition = "2024"\n\n[[bin]]\nname = "server"\npath = "main.rs"\n`;
  const [root, package_] = [fileURLToPath(new URL('..', import.meta.url)), join(folder, 'server')];
  await mkdir(package_);
  await rename(join(folder, 'main.rs'), join(package_, 'main.rs'));
  await writeFile(join(package_, 'Cargo.toml'), `${own}\n${dependencies}\n[workspace]\n`);
  await copyFile(join(root, 'Cargo.lock'), join(package_, 'Cargo.lock'));
  await symlink(root, join(folder, 'vestibule'));
  await promisify(execFile)('cargo', ['build', '--quiet', '--target-dir', TARGET], { cwd: package_ });
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
