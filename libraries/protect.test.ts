// `vestibule protect` in front of servers that know nothing of authorization, with the official client and without a file.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Application } from './support/application.ts';
import { modern } from './support/modern.ts';
import { accessToken } from './support/tokens.ts';
import { cancelled, overHttp } from './support/unprotected.ts';
import { Vestibule, freePort } from './support/vestibule.ts';

/** From the start of the server to the first call of a tool. */
const SOON = 60_000;

test('vestibule protect URL: the official client signs in, calls tools and hears of their progress', { timeout: 120_000 }, async () => {
  const behind = await overHttp();
  const begun = Date.now();
  const vestibule = await Vestibule.protecting([behind.address, '--name', 'Notes', '--scope', 'notes:read=Read your notes']);
  try {
    assert.deepEqual(await judge(vestibule, begun), [1, 2, 3]);
    assert.ok(behind.seen.some(({ method }) => method === 'GET'), 'the event stream');
    for (const headers of behind.seen) {
      assert.equal(headers.authorization, undefined);
      assert.match(String(headers['vestibule-subject']), /^acct_/);
      assert.equal(headers['vestibule-scope'], 'notes:read offline_access');
    }
  } finally {
    await vestibule.stop();
    behind.stop();
  }
});

test('vestibule protect -- COMMAND: the same with a server that speaks stdio', { timeout: 120_000 }, async () => {
  const program = fileURLToPath(new URL('support/unprotected.ts', import.meta.url));
  const tsx = fileURLToPath(import.meta.resolve('tsx'));
  const begun = Date.now();
  const vestibule = await Vestibule.protecting(['--scope', 'notes:read=Read your notes', '--', process.execPath, '--import', tsx, program]);
  try {
    // Messages of a process are handed on one beside the other.
    const steps = await judge(vestibule, begun, async (application) => {
      assert.equal(await application.call('settings'), '[]');
      await vestibule.reload();
      assert.equal(await application.call('echo', { text: 'the same session' }), 'the same session');
    });
    assert.ok(steps.length > 0 && steps.every((step) => [1, 2, 3].includes(step)), String(steps));
  } finally {
    await vestibule.stop();
  }
});

const RULE = ['[[resource.rule]]', 'method = "tools/call"', 'name = "add_*"', 'scope = "notes:read notes:write"'];

for (const [revision, start] of [
  [undefined, overHttp],
  ['2026-07-28', modern],
] as const) {
  test(`an upstream with rules, revision ${revision ?? 'of sessions'}: a call ends with its client, and a tool needs more`, { timeout: 120_000 }, async () => {
    const behind = await start();
    const mcp = `http://localhost:${await freePort()}/notes`;
    const resource = { id: 'notes', identifier: mcp, lines: [`upstream = "${behind.address}"`, ...RULE] };
    const vestibule = await Vestibule.start([resource], {}, new URL(mcp).origin);
    try {
      const application = new Application(mcp, await vestibule.person(), revision);
      await application.connect();
      const gone = once(cancelled, 'call', { signal: AbortSignal.timeout(5000) });
      await application.cancel('wait');
      await gone;
      const before = behind.seen.length;
      assert.equal(await application.callAfterStepUp('add_note', { text: 'Buy milk' }), 'Noted: Buy milk');
      assert.equal(behind.seen.length, before + 1, 'the refused call did not get there');
      assert.match(String(application.authorizationUrl?.searchParams.get('scope')), /notes:read.*notes:write/);
      await application.client.close();
    } finally {
      await vestibule.stop();
      behind.stop();
    }
  });
}

test('an upstream with https, where the system has no certificates: 502, and the others are reached', { timeout: 120_000 }, async () => {
  const behind = await modern();
  const issuer = `http://localhost:${await freePort()}`;
  const [plain, secure] = [`${issuer}/plain`, `${issuer}/secure`];
  const resources = [
    { id: 'plain', identifier: plain, lines: [`upstream = "${behind.address}"`] },
    { id: 'secure', identifier: secure, lines: [`upstream = "${behind.address.replace('http:', 'https:')}"`] },
  ];
  const vestibule = await Vestibule.start(resources, { SSL_CERT_FILE: '/nowhere', SSL_CERT_DIR: '/nowhere' }, issuer);
  try {
    const person = await vestibule.person();
    const statuses = [plain, secure].map(async (mcp) => {
      const headers = { authorization: `Bearer ${await accessToken(vestibule, person, mcp)}`, 'content-type': 'application/json' };
      return (await fetch(mcp, { method: 'POST', headers, body: '{}' })).status;
    });
    assert.deepEqual(await Promise.all(statuses), [400, 502]);
    assert.equal(behind.seen.length, 1);
  } finally {
    await vestibule.stop();
    behind.stop();
  }
});

/** Uses the server; returns the progress that a call told. */
async function judge(vestibule: Vestibule, begun: number, more?: (application: Application) => Promise<void>): Promise<number[]> {
  const mcp = `${vestibule.issuer}/mcp`;
  const unsigned = await fetch(mcp, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
  assert.equal(unsigned.status, 401);
  assert.match(unsigned.headers.get('www-authenticate') ?? '', /^Bearer resource_metadata="[^"]+", scope="notes:read"$/);
  const application = new Application(mcp, await vestibule.person());
  await application.connect();
  assert.equal(await application.call('echo', { text: 'über "all"' }), 'über "all"');
  assert.ok(Date.now() - begun < SOON, 'the first call of a tool');
  const { tools } = await application.client.listTools();
  assert.deepEqual(tools.map(({ name }) => name).sort(), ['add_note', 'count', 'echo', 'settings', 'wait']);
  const steps: number[] = [];
  const onprogress = ({ progress }: { progress: number }) => void steps.push(progress);
  const counted = await application.client.callTool({ name: 'count', arguments: { to: 3 } }, { onprogress });
  assert.deepEqual(counted.content, [{ type: 'text', text: 'Counted to 3' }]);
  await more?.(application);
  await application.client.close();
  return steps;
}
