// Recipes that nothing here can run are at least well-formed, and those in TypeScript have no type errors.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PYTHON } from './support/python.ts';
import { Vestibule } from './support/vestibule.ts';

const run = promisify(execFile);
const YAML = 'import sys, yaml; documents = list(yaml.safe_load_all(open(sys.argv[1]))); assert isinstance(documents[0], dict)';
const TSC = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'esnext', '--moduleResolution', 'bundler', '--target', 'es2022', '--types', 'node'];
const CHECKS: Record<string, (file: string, folder: string) => Promise<unknown>> = {
  ...Object.fromEntries(['agentgateway', 'kong', 'envoy', 'traefik', 'spring'].map((stack) => [stack, (file: string) => run(PYTHON, ['-c', YAML, file])])),
  aws: (file) => run('sh', ['-n', file]),
  ...Object.fromEntries(
    ['express', 'ts', 'hono'].map((stack) => [
      stack,
      (file: string, folder: string) => run(process.execPath, [fileURLToPath(new URL('node_modules/typescript/bin/tsc', import.meta.url)), ...TSC, file], { cwd: folder }),
    ]),
  ),
};

test('recipes are well-formed', { timeout: 120_000 }, async (context) => {
  const vestibule = await Vestibule.start([{ id: 'notes', identifier: 'https://notes.example.com/mcp' }]);
  const folder = await mkdtemp(join(tmpdir(), 'vestibule-syntax-'));
  await writeFile(join(folder, 'package.json'), '{"type": "module"}');
  await symlink(fileURLToPath(new URL('node_modules', import.meta.url)), join(folder, 'node_modules'));
  for (const [stack, check] of Object.entries(CHECKS)) {
    await context.test(stack, async () => {
      const file = join(folder, `${stack}.ts`);
      await writeFile(file, await vestibule.prints(['resource', 'show', 'notes', '--for', stack]));
      await check(file, folder).catch((fault) => Promise.reject(new Error(`${fault.message}\n${fault.stdout}`)));
    });
  }
  await vestibule.stop();
  await rm(folder, { recursive: true });
});
