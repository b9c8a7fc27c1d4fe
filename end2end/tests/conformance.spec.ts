import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { decide, signIn } from '../support/pages.ts';
import { commandOf } from '../support/program.ts';
import { freePort } from '../support/server.ts';
import { expect, test } from '../support/test.ts';

/** A check of the official tool. */
interface Check {
  id: string;
  status: string;
}

const TOOL = '@modelcontextprotocol/conformance';
const SCENARIOS = ['authorization-server-metadata-endpoint', 'authorization-code-grant'];
const REVISIONS = ['2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'];

test('the official conformance tool offers these scenarios and revisions and no others', async ({ startProgram, folder }) => {
  const list = startProgram(commandOf(TOOL, 'conformance', ['list', '--authorization'], folder));
  await list.succeeds();
  const offered = list.answer.split('\n').filter((line) => line.startsWith('  - '));
  expect(offered).toEqual(SCENARIOS.map((scenario) => `  - ${scenario} [${REVISIONS}]`));
});

for (const revision of REVISIONS) {
  test(`the official conformance tool for revision ${revision}: every check passes`, async ({
    page,
    server,
    user,
    startProgram,
    complaints,
    folder,
  }) => {
    const port = await freePort();
    const added = await server.json<{ client_id: string }>([
      ...['client', 'add', '--name', 'Conformance', '--redirect-uri', `http://127.0.0.1:${port}/callback`],
    ]);
    const tool = startProgram(
      commandOf(
        TOOL,
        'conformance',
        [
          ...['authorization', '--url', server.issuer, '--client-id', added.client_id, '--resource', server.mcp],
          ...['--port', String(port), '--spec-version', revision, '--output-dir', folder],
        ],
        folder,
      ),
    );

    // The tool stops listening after one request, before the browser requests the page's icon.
    complaints.tolerate(/favicon\.ico/);
    await page.goto(await tool.shows(/^(http:\S+\/authorize\?\S+)$/m));
    await signIn(page, user);
    await decide(page, 'Allow');
    await expect(page.getByText('You can close this page')).toBeVisible();

    await tool.succeeds();
    const checks = await report(folder);
    expect(checks.map(({ id, status }) => `${id}: ${status}`), tool.output).toEqual([
      'authorization-server-metadata: SUCCESS',
      // Client ID metadata documents were introduced in that revision.
      ...(revision >= '2025-11-25' ? ['authorization-server-metadata-cimd: SUCCESS'] : []),
      'authorization-code-grant: SUCCESS',
    ]);
  });
}

/** All checks of the tool's report, in the order of the scenarios. */
async function report(folder: string): Promise<Check[]> {
  const names = await readdir(folder, { recursive: true });
  const files = SCENARIOS.map((scenario) => names.find((name) => name.includes(scenario) && name.endsWith('checks.json')));
  const checks = await Promise.all(files.map(async (file) => JSON.parse(await readFile(join(folder, file ?? ''), 'utf8')) as Check[]));
  return checks.flat();
}
