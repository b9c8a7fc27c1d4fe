import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BINARY = process.env.VESTIBULE_BINARY ?? fileURLToPath(new URL('../../target/release/vestibule', import.meta.url));
const TIMEOUT = 20_000;

export interface Options {
  /** Settings as environment variables. The store is a folder for this server unless one is named here. */
  settings?: Record<string, string>;
}

/** A user with a password. */
export interface User {
  email: string;
  password: string;
}

/** The result of a command. */
export interface Printed {
  code: number;
  stdout: string;
  stderr: string;
}

/** The members of an account that tests use. */
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

/** The binary with its own data, at http://localhost and a free port. */
export class Server {
  #child: ChildProcess | undefined;
  #output = '';
  #people = 0;

  private constructor(
    readonly issuer: string,
    /** The port of this process: the issuer's, unless another process of the same issuer uses it. */
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

  /** The file of the sealing key, when the store is a folder. */
  get sealingKey(): string {
    return join(this.folder, 'data', 'sealing.key');
  }

  /** The output of the server so far. */
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
    // A command that does not read its input may have ended already.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    const [code] = await once(child, 'close');
    return { code, ...printed };
  }

  /** Runs a command that must succeed, and parses the JSON that it prints. */
  async json<T>(parameters: string[], input = ''): Promise<T> {
    const { code, stdout, stderr } = await this.command([...parameters, '--json'], input);
    if (code !== 0) throw new Error(`vestibule ${parameters.join(' ')} failed: ${stderr}`);
    return JSON.parse(stdout) as T;
  }

  /** A new account, created from the command line. */
  async user(name = 'alice'): Promise<User> {
    this.#people += 1;
    const user = { email: `${name}.${this.#people}@example.com`, password: 'correct horse battery' };
    await this.json(['account', 'add', user.email, '--password-stdin'], `${user.password}\n`);
    return user;
  }

  /** Another administrator. */
  async administrator(name = 'admin'): Promise<User> {
    const user = await this.user(name);
    await this.json(['account', 'role', user.email, 'administrator']);
    return user;
  }

  /** The enrolment link of a new account. */
  async enrolmentLink(email: string): Promise<string> {
    const added = await this.json<{ enrolment_link: string }>(['account', 'add', email]);
    return added.enrolment_link;
  }

  /** The reset link of an account. */
  async resetLink(email: string): Promise<string> {
    return (await this.json<{ link: string }>(['account', 'reset', email])).link;
  }

  /** Accounts as the command line lists them. */
  async accounts(): Promise<Account[]> {
    return this.json<Account[]>(['account', 'list']);
  }

  /** The keys at /.well-known/paseto-keys. */
  async publishedKeys(): Promise<Key[]> {
    const answer = await fetch(this.url('/.well-known/paseto-keys'));
    return ((await answer.json()) as { keys: Key[] }).keys;
  }

  /** Kills the process (SIGKILL). */
  async kill(): Promise<void> {
    await end(this.#child, 'SIGKILL');
    this.#child = undefined;
  }

  /** Starts a killed server again with its data. */
  async restart(): Promise<void> {
    await this.#launch();
  }

  /** Stops the server and removes its data. */
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
  const deadline = Date.now() + TIMEOUT;
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
  const impatience = setTimeout(() => child.kill('SIGKILL'), TIMEOUT);
  await gone;
  clearTimeout(impatience);
}

/** A port that is free on both loopback addresses, for a server on `localhost`. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = await listenOnce('127.0.0.1', 0);
    if (port && (await listenOnce('::1', port)) !== undefined) return port;
  }
}

/** Listens briefly. Undefined if the port is in use; a machine without this address is ignored. */
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
