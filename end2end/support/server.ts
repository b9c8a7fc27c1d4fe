import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BINARY = process.env.VESTIBULE_BINARY ?? fileURLToPath(new URL('../../target/release/vestibule', import.meta.url));
const PATIENCE = 20_000;

export interface Options {
  /** Settings by their environment variables. The store is a folder of the server's own unless one is named here. */
  settings?: Record<string, string>;
}

/** Somebody with an account and a password. */
export interface Person {
  email: string;
  password: string;
}

/** What a finished command printed. */
export interface Printed {
  code: number;
  stdout: string;
  stderr: string;
}

/** An account, as far as tests look at it. */
export interface Account {
  email: string;
  role: 'person' | 'administrator';
  disabled: boolean;
  passkeys: number;
  has_password: boolean;
}

export interface Key {
  kid: string;
  state: string;
}

/** The real binary with data of its own, at http://localhost and a free port. */
export class Server {
  #child: ChildProcess | undefined;
  #output = '';
  #people = 0;

  private constructor(
    readonly issuer: string,
    /** Where this process listens: the issuer's own port, unless another process of the same server has that. */
    readonly origin: string,
    private readonly folder: string,
    private readonly environment: Record<string, string>,
  ) {}

  static async start(options: Options = {}): Promise<Server> {
    if (!existsSync(BINARY)) throw new Error(`${BINARY} is missing: build a release first`);
    const origin = `http://localhost:${await freePort()}`;
    const issuer = options.settings?.VESTIBULE_ISSUER ?? origin;
    const folder = await mkdtemp(join(tmpdir(), 'vestibule-end2end-'));
    const environment = {
      PATH: process.env.PATH ?? '',
      HOME: folder,
      VESTIBULE_ISSUER: issuer,
      VESTIBULE_LISTEN: new URL(origin).host,
      VESTIBULE_STORE: `file:${folder}/data`,
      VESTIBULE_RATE_LIMITS: 'off',
      ...options.settings,
    };
    const server = new Server(issuer, origin, folder, environment);
    try {
      await server.#launch();
    } catch (fault) {
      await server.stop();
      throw fault;
    }
    return server;
  }

  get mcp(): string {
    return this.url('/mcp');
  }

  url(path: string): string {
    return this.issuer + path;
  }

  /** The file of the key that seals its signing keys, when the store is a folder of its own. */
  get sealingKey(): string {
    return join(this.folder, 'data', 'sealing.key');
  }

  /** Everything the server has written to its terminal. */
  get output(): string {
    return this.#output;
  }

  /** The one-time link for the first account, as the terminal shows it. */
  async firstAccountLink(): Promise<string> {
    const shown = () => this.#output.match(/http:\/\/localhost:\d+\/setup\/\S+(?=\s)/)?.[0];
    await until('the link to create the first account is on the terminal', async () => shown() !== undefined);
    return shown() ?? '';
  }

  /** Runs a command of the same binary with the same settings. */
  async command(parameters: string[], input = ''): Promise<Printed> {
    const child = spawn(BINARY, parameters, { env: this.environment, cwd: this.folder });
    const printed = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => (printed.stdout += chunk));
    child.stderr.on('data', (chunk) => (printed.stderr += chunk));
    // A command that reads nothing may be gone before it is handed anything.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const [code] = await once(child, 'close');
    return { code, ...printed };
  }

  /** Runs a command that must succeed, and reads the JSON it prints. */
  async json<T>(parameters: string[], input = ''): Promise<T> {
    const { code, stdout, stderr } = await this.command([...parameters, '--json'], input);
    if (code !== 0) throw new Error(`vestibule ${parameters.join(' ')} failed: ${stderr}`);
    return JSON.parse(stdout) as T;
  }

  /** An account nobody else uses, made from the command line. */
  async person(name = 'alice'): Promise<Person> {
    this.#people += 1;
    const person = { email: `${name}.${this.#people}@example.com`, password: 'correct horse battery' };
    await this.json(['account', 'add', person.email, '--password-stdin'], `${person.password}\n`);
    return person;
  }

  /** Somebody who runs the server besides. */
  async administrator(name = 'admin'): Promise<Person> {
    const person = await this.person(name);
    await this.json(['account', 'role', person.email, 'administrator']);
    return person;
  }

  /** The link with which the person of a new account chooses how to sign in. */
  async enrolmentLink(email: string): Promise<string> {
    const added = await this.json<{ enrolment_link: string }>(['account', 'add', email]);
    return added.enrolment_link;
  }

  /** The link with which the person of an account chooses a new way to sign in. */
  async resetLink(email: string): Promise<string> {
    return (await this.json<{ link: string }>(['account', 'reset', email])).link;
  }

  /** Accounts as the command line lists them. */
  async accounts(): Promise<Account[]> {
    return this.json<Account[]>(['account', 'list']);
  }

  /** What /.well-known/paseto-keys publishes. */
  async publishedKeys(): Promise<Key[]> {
    const answer = await fetch(this.url('/.well-known/paseto-keys'));
    return ((await answer.json()) as { keys: Key[] }).keys;
  }

  /** As the kernel ends a process: it has no time to write anything. */
  async kill(): Promise<void> {
    await end(this.#child, 'SIGKILL');
    this.#child = undefined;
  }

  /** Starts a killed server again on its data. */
  async startAgain(): Promise<void> {
    await this.#launch();
  }

  /** Ends the server and removes its data. */
  async stop(): Promise<void> {
    await end(this.#child, 'SIGTERM');
    await rm(this.folder, { recursive: true, force: true });
  }

  async #launch(): Promise<void> {
    this.#output = '';
    const child = spawn(BINARY, ['serve'], { env: this.environment, cwd: this.folder, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (this.#output += chunk));
    await until(`${this.origin} is ready`, async () => {
      if (child.exitCode !== null) throw new Error(`the server ended:\n${this.#output}`);
      return (await fetch(`${this.origin}/health/ready`).catch(() => undefined))?.ok ?? false;
    });
  }
}

/** Waits for `condition`. */
export async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Ends a process and waits until it is gone. */
export async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  const impatience = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
  await gone;
  clearTimeout(impatience);
}

/** A port that is free on both loopback addresses, as a server on `localhost` needs it. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = await listenOnce('127.0.0.1', 0);
    if (port && (await listenOnce('::1', port)) !== undefined) return port;
  }
}

/** Listens for a moment. Nothing if somebody else does; a machine without this address is no obstacle. */
async function listenOnce(host: string, port: number): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, 'listening');
    const address = server.address();
    server.close();
    await once(server, 'close');
    return typeof address === 'object' ? address?.port : undefined;
  } catch (fault) {
    return (fault as NodeJS.ErrnoException).code === 'EADDRINUSE' ? undefined : port;
  }
}
