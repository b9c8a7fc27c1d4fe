import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { end, until } from './server.ts';

const resolve = createRequire(import.meta.url).resolve;

/** How a command of an npm package is started. */
export interface Start {
  command: string;
  args: string[];
  env: Record<string, string>;
}

/** Starts a command as a person would whose home is `home`. Their browser is `true`, which opens nothing: the test has one. */
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

/** A running program, with what it has written so far. */
export class Program {
  /** What it wrote to its standard output. */
  answer = '';
  /** What it wrote to both outputs. */
  output = '';
  #code: number | null | undefined;

  private constructor(private readonly child: ChildProcess) {
    child.stdout?.on('data', (chunk) => (this.answer += chunk));
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (this.output += chunk));
    child.on('close', (code) => (this.#code = code));
  }

  // Its input stays open: mcp-remote takes the end of it for the end of whoever started it.
  static start({ command, args, env }: Start): Program {
    return new Program(spawn(command, args, { env, stdio: 'pipe' }));
  }

  /** What the first group of `pattern` matches, as soon as it is written. */
  async shows(pattern: RegExp): Promise<string> {
    const shown = () => this.output.match(pattern)?.[1];
    await until(`the program writes ${pattern}`, async () => {
      if (shown() === undefined && this.#code !== undefined) throw new Error(`it ended without ${pattern}:\n${this.output}`);
      return shown() !== undefined;
    });
    return shown() ?? '';
  }

  /** Types an answer to its question. */
  type(text: string): void {
    this.child.stdin?.write(text);
  }

  /** Waits until it ends by itself, without a fault. */
  async succeeds(): Promise<void> {
    await until('the program ends', async () => this.#code !== undefined);
    if (this.#code !== 0) throw new Error(`it ended with ${this.#code}:\n${this.output}`);
  }

  async stop(): Promise<void> {
    await end(this.child, 'SIGTERM');
  }
}
