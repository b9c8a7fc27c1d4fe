import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { end, until } from './server.ts';

const resolve = createRequire(import.meta.url).resolve;

/** The command line of an npm package's command. */
export interface Start {
  command: string;
  args: string[];
  env: Record<string, string>;
}

/** The command line of a user whose home is `home`. BROWSER is `true`, which opens nothing: the test has its own browser. */
export function commandOf(packageName: string, name: string, parameters: string[], home: string): Start {
  const manifest = resolve(`${packageName}/package.json`);
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { bin: Record<string, string> };
  if (!bin[name]) throw new Error(`${packageName} has no command ${name}`);
  return {
    command: process.execPath,
    args: [join(dirname(manifest), bin[name]), ...parameters],
    env: { PATH: process.env.PATH ?? '', HOME: home, BROWSER: 'true' },
  };
}

/** A running program, with its output. */
export class Program {
  /** Its standard output so far. */
  answer = '';
  /** Both outputs so far. */
  output = '';
  #code: number | null | undefined;

  private constructor(private readonly child: ChildProcess) {
    child.stdout?.on('data', (chunk) => (this.answer += chunk));
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (this.output += chunk));
    child.on('close', (code) => (this.#code = code));
  }

  // Its input stays open: mcp-remote ends when its input ends.
  static start({ command, args, env }: Start): Program {
    return new Program(spawn(command, args, { env, stdio: 'pipe' }));
  }

  /** Waits until `pattern` matches the output; returns its first group. */
  async shows(pattern: RegExp): Promise<string> {
    const shown = () => this.output.match(pattern)?.[1];
    await until(`the program writes ${pattern}`, async () => {
      if (shown() === undefined && this.#code !== undefined) throw new Error(`it ended without ${pattern}:\n${this.output}`);
      return shown() !== undefined;
    });
    return shown() ?? '';
  }

  /** Writes an answer to its input. */
  type(text: string): void {
    this.child.stdin?.write(text);
  }

  /** Waits until it exits with success. */
  async succeeds(): Promise<void> {
    await until('the program ends', async () => this.#code !== undefined);
    if (this.#code !== 0) throw new Error(`it ended with ${this.#code}:\n${this.output}`);
  }

  async stop(): Promise<void> {
    await end(this.child, 'SIGTERM');
  }
}
