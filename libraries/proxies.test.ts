// Proxies with the recipes that `vestibule resource show` prints, in front of a server that knows nothing of authorization: the official
// client signs in, hears of progress at once, cancels a call and steps up for a tool.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Application } from './support/application.ts';
import { modern } from './support/modern.ts';
import { KINDS, Proxy } from './support/proxies.ts';
import { accessToken } from './support/tokens.ts';
import { type Seen, cancelled } from './support/unprotected.ts';
import { Vestibule, freePort } from './support/vestibule.ts';

const REVISION = '2026-07-28';
const RULE = ['[[resource.rule]]', 'method = "tools/call"', 'name = "add_*"', 'scope = "notes:read notes:write"'];
const WELL_KNOWN = '/.well-known/oauth-protected-resource';
const TOLD = ['subject', 'email', 'name', 'client', 'scope', 'device', 'assertion'];
/** A client that has gone is noticed within this time. */
const SOON = 5000;

for (const name of Object.keys(KINDS)) {
  test(`${name} with the recipe as printed`, { timeout: 120_000 }, async () => {
    const behind = await modern();
    const mcp = `http://127.0.0.1:${await freePort()}/mcp`;
    const vestibule = await Vestibule.start([{ id: 'notes', identifier: mcp, lines: RULE }]);
    const recipe = await vestibule.prints(['resource', 'show', 'notes', '--for', name]);
    assert.ok(recipe.includes('127.0.0.1:8080'));
    const proxy = await Proxy.start(name, recipe.replaceAll('127.0.0.1:8080', new URL(behind.address).host), mcp);
    try {
      await judge(mcp, vestibule, behind.seen);
    } catch (fault) {
      throw new Error(`${(fault as Error).stack}\n\n${name} said:\n${proxy.output}`);
    } finally {
      await proxy.stop();
      await vestibule.stop();
      behind.stop();
    }
  });
}

async function judge(mcp: string, vestibule: Vestibule, seen: Seen): Promise<void> {
  const { origin } = new URL(mcp);
  for (const path of [`${WELL_KNOWN}/mcp`, WELL_KNOWN]) {
    const document = await fetch(origin + path, { headers: { origin: 'https://client.example' } });
    assert.equal(document.headers.get('access-control-allow-origin'), '*');
    assert.equal(((await document.json()) as Record<string, unknown>).resource, mcp);
  }
  const unsigned = await fetch(mcp, { method: 'POST', body: '{}', headers: { origin: 'https://client.example' } });
  assert.equal(unsigned.status, 401);
  assert.equal(unsigned.headers.get('www-authenticate'), `Bearer resource_metadata="${origin}${WELL_KNOWN}/mcp", scope="notes:read"`);
  assert.equal(unsigned.headers.get('access-control-allow-origin'), '*');
  assert.equal(seen.length, 0);

  const person = await vestibule.person();
  const application = new Application(mcp, person, REVISION);
  await application.connect();
  assert.equal(await application.call('echo', { text: 'über "all"' }), 'über "all"');
  const gone = once(cancelled, 'call', { signal: AbortSignal.timeout(SOON) });
  await application.cancel('wait');
  await gone;
  assert.equal(await application.callAfterStepUp('add_note', { text: 'Buy milk' }), 'Noted: Buy milk');
  assert.match(String(application.authorizationUrl?.searchParams.get('scope')), /notes:read.*notes:write/);
  await application.client.close();

  const token = await accessToken(vestibule, person, mcp);
  const spoofed = TOLD.flatMap((header) => [`vestibule-${header}`, `vestibule_${header}`]);
  const headers = { authorization: `Bearer ${token}`, ...Object.fromEntries(spoofed.map((header) => [header, 'mallory'])) };
  await fetch(mcp, { headers }).then((answer) => answer.body?.cancel());
  assert.ok(seen.length > 4);
  for (const sent of seen) {
    assert.equal(sent.authorization, undefined);
    assert.match(String(sent['vestibule-subject']), /^acct_/);
    assert.ok(!JSON.stringify(sent).includes('mallory'), JSON.stringify(sent));
  }
}
