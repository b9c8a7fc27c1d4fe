import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Person } from './person.ts';

const BINARY = process.env.VESTIBULE_BINARY ?? fileURLToPath(new URL('../../target/release/vestibule', import.meta.url));
const PASSWORD = 'correct horse battery';

/** One `[[resource]]` of the configuration. */
export interface Resource {
  id: string;
  identifier: string;
  /** More lines of its entry. */
  lines?: string[];
}

/** A Vestibule with its own data and these resources, each with the scopes notes:read and, on request, notes:write. */
export class Vestibule {
  #child: ChildProcess | undefined;
  #output = '';

  private constructor(
    readonly issuer: string,
    private readonly folder: string,
  ) {}

  static async start(resources: Resource[], settings: Record<string, string> = {}, issuer?: string): Promise<Vestibule> {
    if (!existsSync(BINARY)) throw new Error(`${BINARY} is missing: build it, or name another in VESTIBULE_BINARY`);
    const folder = await mkdtemp(join(tmpdir(), 'vestibule-libraries-'));
    const vestibule = new Vestibule(issuer ?? `http://localhost:${await freePort()}`, folder);
    await writeFile(join(folder, 'vestibule.toml'), resources.map(entry).join('\n'));
    await vestibule.launch(settings);
    return vestibule;
  }

  /** `vestibule protect` with these parameters and without a file. */
  static async protecting(parameters: string[]): Promise<Vestibule> {
    const folder = await mkdtemp(join(tmpdir(), 'vestibule-libraries-'));
    const vestibule = new Vestibule(`http://localhost:${await freePort()}`, folder);
    await vestibule.launch({}, ['protect', ...parameters]);
    return vestibule;
  }

  /** Starts it with its data. */
  async launch(settings: Record<string, string> = {}, command = ['serve']): Promise<void> {
    const child = spawn(BINARY, command, { env: { ...this.#environment(), ...settings }, cwd: this.folder });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (this.#output += chunk));
    await until(`${this.issuer} is ready`, async () => {
      if (child.exitCode !== null) throw new Error(`the server ended:\n${this.#output}`);
      return (await fetch(`${this.issuer}/health/ready`).catch(() => undefined))?.ok ?? false;
    });
  }

  /** Lets it read its configuration again. */
  async reload(): Promise<void> {
    const before = this.#output.length;
    this.#child?.kill('SIGHUP');
    await until('the configuration was reloaded', async () => this.#output.slice(before).includes('the configuration was reloaded'));
  }

  async end(): Promise<void> {
    await end(this.#child);
  }

  async stop(): Promise<void> {
    await this.end();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** What a command of the same binary with the same configuration prints. */
  async prints(parameters: string[], input = ''): Promise<string> {
    const child = spawn(BINARY, parameters, { env: this.#environment(), cwd: this.folder });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`vestibule ${parameters.join(' ')} failed: ${stderr}`);
    return stdout;
  }

  /** A new user, with a browser. */
  async person(): Promise<Person> {
    const email = `ada.${Math.random().toString(36).slice(2)}@example.com`;
    await this.prints(['account', 'add', email, '--password-stdin'], `${PASSWORD}\n`);
    return new Person(email, PASSWORD);
  }

  #environment(): Record<string, string> {
    return {
      PATH: process.env.PATH ?? '',
      HOME: this.folder,
      ...(existsSync(join(this.folder, 'vestibule.toml')) && { VESTIBULE_CONFIG: join(this.folder, 'vestibule.toml') }),
      VESTIBULE_ISSUER: this.issuer,
      VESTIBULE_LISTEN: new URL(this.issuer).host,
      VESTIBULE_STORE: `file:${this.folder}/data`,
      VESTIBULE_RATE_LIMITS: 'off',
    };
  }
}

/** The entry of a resource in the configuration. */
function entry({ id, identifier, lines = [] }: Resource): string {
  const scope = (name: string, isDefault: boolean) =>
    `[[resource.scope]]\nname = "${name}"\nsentence = "Use your notes"\ndefault = ${isDefault}`;
  return ['[[resource]]', `id = "${id}"`, `identifier = "${identifier}"`, `name = "${id}"`, ...lines, scope('notes:read', true), scope('notes:write', false)].join('\n');
}

/** Waits for `condition`. */
export async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Ends a process, and waits until it is gone. */
export async function end(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const impatience = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await gone;
  clearTimeout(impatience);
}

/** A port that is free. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, 'localhost');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || !address) throw new Error('no port');
  return address.port;
}
