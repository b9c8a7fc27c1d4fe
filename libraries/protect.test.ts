// `vestibule protect` in front of servers that know nothing of authorization, with the official client and without a file.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Application } from './support/application.ts';
import { overHttp } from './support/unprotected.ts';
import { Vestibule } from './support/vestibule.ts';

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
    const steps = await judge(vestibule, begun);
    assert.ok(steps.length > 0 && steps.every((step) => [1, 2, 3].includes(step)), String(steps));
  } finally {
    await vestibule.stop();
  }
});

/** Uses the server; returns the progress that a call told. */
async function judge(vestibule: Vestibule, begun: number): Promise<number[]> {
  const mcp = `${vestibule.issuer}/mcp`;
  const unsigned = await fetch(mcp, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
  assert.equal(unsigned.status, 401);
  assert.match(unsigned.headers.get('www-authenticate') ?? '', /^Bearer resource_metadata="[^"]+", scope="notes:read"$/);
  const application = new Application(mcp, await vestibule.person());
  await application.connect();
  assert.equal(await application.call('echo', { text: 'über "all"' }), 'über "all"');
  assert.ok(Date.now() - begun < SOON, 'the first call of a tool');
  const { tools } = await application.client.listTools();
  assert.deepEqual(tools.map(({ name }) => name).sort(), ['count', 'echo']);
  const steps: number[] = [];
  const onprogress = ({ progress }: { progress: number }) => void steps.push(progress);
  const counted = await application.client.callTool({ name: 'count', arguments: { to: 3 } }, { onprogress });
  assert.deepEqual(counted.content, [{ type: 'text', text: 'Counted to 3' }]);
  await application.client.close();
  return steps;
}
