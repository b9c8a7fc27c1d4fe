// The verifiers of PASETO that servers copy: recipes/paseto.ts here, recipes/paseto.py in check_paseto.py.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { PYTHON } from './support/python.ts';
import { accessToken, altered } from './support/tokens.ts';
import { Vestibule } from './support/vestibule.ts';

interface Vector {
  name: string;
  'expect-fail': boolean;
  'public-key'?: string;
  token: string;
  payload: string;
  'implicit-assertion': string;
}
interface Key {
  kid: string;
  key: string;
  state: string;
  until?: string;
}

const source = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const VECTORS = source('access-token/tests/vectors/v4.json');
const RESOURCE = 'https://notes.example.com/mcp';
const bytes = (text: string) => new TextEncoder().encode(text);

describe('recipes/paseto.ts', { timeout: 120_000 }, () => {
  let vestibule: Vestibule;
  let folder: string;
  let token: string;
  let others: string;
  let recipe: typeof import('../recipes/paseto.ts');

  before(async () => {
    vestibule = await Vestibule.start([
      { id: 'notes', identifier: RESOURCE },
      { id: 'other', identifier: 'https://other.example.com/mcp' },
    ]);
    const person = await vestibule.person();
    [token, others] = [await accessToken(vestibule, person, RESOURCE), await accessToken(vestibule, person, 'https://other.example.com/mcp')];
    // As its users have it: beside their packages.
    folder = await mkdtemp(join(tmpdir(), 'vestibule-paseto-'));
    await copyFile(source('recipes/paseto.ts'), join(folder, 'paseto.ts'));
    await writeFile(join(folder, 'package.json'), '{"type": "module"}');
    await symlink(source('libraries/node_modules'), join(folder, 'node_modules'));
    recipe = await import(pathToFileURL(join(folder, 'paseto.ts')).href);
  });
  after(async () => {
    await vestibule?.stop();
    await rm(folder, { recursive: true });
  });

  test('has at most 80 lines, as its counterpart in Python', async () => {
    for (const name of ['paseto.ts', 'paseto.py']) {
      const lines = (await readFile(source(`recipes/${name}`), 'utf8')).split('\n').filter((line) => line.trim());
      assert.ok(lines.length <= 80, `${name} has ${lines.length} lines`);
    }
  });

  test('passes the official vectors', async () => {
    const { tests } = JSON.parse(await readFile(VECTORS, 'utf8')) as { tests: Vector[] };
    const judged = { accepted: 0, refused: 0 };
    for (const vector of tests) {
      const implicit = bytes(vector['implicit-assertion']);
      const key = Buffer.from(vector['public-key'] ?? '1eb9dbbbbc047c03fd70604e0071f0987e16b28b757225c11f00415d0e20b1a2', 'hex');
      const opened = async () => recipe.open(...recipe.split(vector.token), key, implicit);
      if (vector.name.startsWith('4-S-')) {
        assert.equal(Buffer.from(await opened()).toString(), vector.payload, vector.name);
        judged.accepted += 1;
      } else {
        await assert.rejects(opened, recipe.Refused, vector.name);
        judged.refused += 1;
      }
    }
    assert.ok(judged.accepted >= 3 && judged.refused >= 5, JSON.stringify(judged));
  });

  test('accepts a real token, and refuses everything else', async () => {
    const verifier = new recipe.Verifier(vestibule.issuer, RESOURCE);
    const claims = await verifier.verify(token);
    assert.deepEqual([claims.iss, claims.aud, claims.scope], [vestibule.issuer, RESOURCE, 'notes:read']);
    const [, , message, footer] = token.split('.');
    const foreign = Buffer.from(JSON.stringify({ kid: 'k4.pid.unknown' })).toString('base64url');
    const bad = [
      ...[others, altered(token), `v4.public.${message}`, `v4.public.${message}.${foreign}`, `v4.local.${message}.${footer}`],
      ...[`${token}=`, `${token}.x`, token.slice(0, 40), 'v4.public.', '', 'x', 'a.b.c', `v4.public.${'A'.repeat(9000)}`, `v4.public.${message}.bnVsbA`],
    ];
    for (const text of bad) await assert.rejects(verifier.verify(text), recipe.Refused, text.slice(0, 60));
    const hour = 3_600_000;
    await assert.rejects(verifier.verify(token, Date.now() + hour), recipe.Refused);
    await assert.rejects(verifier.verify(token, Date.now() - hour), recipe.Refused);
    await assert.rejects(new recipe.Verifier(vestibule.issuer, 'https://x.example').verify(token), recipe.Refused);
  });

  test('heeds the state of a key and its end, and asks for keys again, but not all the time', async () => {
    const published = (await (await fetch(`${vestibule.issuer}/.well-known/paseto-keys`)).json()) as { keys: Key[] };
    let keys: Key[] = [];
    let asked = 0;
    const server = createServer((_, response) => {
      asked += 1;
      response.end(JSON.stringify({ keys }));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const now = Date.now();
    const verdict = (moment = now, verifier = new recipe.Verifier(at, RESOURCE)) =>
      verifier.verify(token, moment).then(
        () => 'accepted',
        (fault: Error) => fault.message,
      );
    const all = (change: Partial<Key>) => published.keys.map((key) => ({ ...key, ...change }));
    // The issuer in the token is another one, which is found out after the signature.
    keys = all({});
    assert.equal(await verdict(), 'issued for something else');
    keys = all({ state: 'retiring', until: new Date(now + 1000).toISOString() });
    assert.equal(await verdict(), 'issued for something else');
    for (const change of [{ until: new Date(now).toISOString() }, { until: 'soon' }, { state: 'revoked' }]) {
      keys = all(change);
      assert.equal(await verdict(), 'retired key', JSON.stringify(change));
    }
    keys = [];
    asked = 0;
    const verifier = new recipe.Verifier(at, RESOURCE);
    for (const _ of [1, 2, 3]) assert.equal(await verdict(now, verifier), 'unknown key');
    assert.equal(asked, 1);
    keys = all({});
    assert.equal(await verdict(now + 11_000, verifier), 'issued for something else');
    assert.equal(asked, 2);
    server.close();
  });

  test('recipes/paseto.py does the same', async (context) => {
    const input = join(folder, 'tokens.json');
    await writeFile(input, JSON.stringify({ issuer: vestibule.issuer, resource: RESOURCE, token, others, altered: altered(token), vectors: VECTORS }));
    const { stdout } = await promisify(execFile)(PYTHON, [source('libraries/check_paseto.py'), source('recipes'), input]);
    context.diagnostic(stdout.trim());
    assert.match(stdout, /^\d+ checks passed$/m);
  });
});
