import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { end, until } from './vestibule.ts';

/** A proxy, and how it runs with its recipe: the file of the recipe, more files, and the command. */
interface Kind {
  file: string;
  more?: (folder: string) => Record<string, string>;
  command: (folder: string) => string[];
  environment?: (folder: string) => Record<string, string>;
}

const PLACES = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

export const KINDS: Record<string, Kind> = {
  nginx: {
    file: 'notes.conf',
    // The recipe is for the http block.
    more: (folder) => ({
      'nginx.conf': [
        `daemon off; master_process off; pid ${folder}/pid; error_log stderr;`,
        'events {}',
        `http { access_log off; ${PLACES.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')} include ${folder}/notes.conf; }`,
      ].join('\n'),
    }),
    command: (folder) => ['nginx', '-e', 'stderr', '-c', `${folder}/nginx.conf`],
  },
  caddy: {
    file: 'Caddyfile',
    command: () => ['caddy', 'run', '--config', 'Caddyfile'],
    // Its administration has one port for all.
    environment: (folder) => ({ CADDY_ADMIN: `unix/${folder}/admin`, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder }),
  },
  haproxy: { file: 'haproxy.sh', command: () => ['sh', 'haproxy.sh'] },
};

/** A proxy that runs with its recipe. */
export class Proxy {
  #output = '';

  private constructor(
    private readonly folder: string,
    private readonly child: ChildProcess,
  ) {
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (this.#output += chunk));
  }

  /** Starts it, and waits until it answers at `address`. */
  static async start(name: string, recipe: string, address: string): Promise<Proxy> {
    const kind = KINDS[name]!;
    try {
      execFileSync('which', [name]);
    } catch {
      throw new Error(`tests need ${name} (Debian: apt-get install ${name})`);
    }
    const folder = await mkdtemp(join(tmpdir(), 'vestibule-proxy-'));
    for (const [file, text] of Object.entries({ [kind.file]: recipe, ...kind.more?.(folder) })) await writeFile(join(folder, file), text);
    const [program, ...parameters] = kind.command(folder);
    const env = { PATH: process.env.PATH ?? '', HOME: folder, ...kind.environment?.(folder) };
    const proxy = new Proxy(folder, spawn(program!, parameters, { cwd: folder, env }));
    await until(`${name} answers`, async () => {
      if (proxy.child.exitCode !== null) throw new Error(`${name} ended:\n${proxy.output}`);
      return (await fetch(address).catch(() => undefined)) !== undefined;
    });
    return proxy;
  }

  get output(): string {
    return this.#output;
  }

  async stop(): Promise<void> {
    await end(this.child);
    await rm(this.folder, { recursive: true, force: true });
  }
}
