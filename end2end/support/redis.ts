import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { end, freePort, until } from './server.ts';

/** A Redis of the test's own. */
export class Redis {
  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    private readonly port: number,
  ) {}

  static async start(): Promise<Redis> {
    const folder = await mkdtemp(join(tmpdir(), 'vestibule-redis-'));
    const port = await freePort();
    const settings = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'yes'];
    const child = spawn('redis-server', settings, { stdio: 'ignore' });
    const redis = new Redis(child, folder, port);
    child.on('error', () => {});
    await until('Redis answers', () => redis.#answers());
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    await end(this.child, 'SIGKILL');
    await rm(this.folder, { recursive: true, force: true });
  }

  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.port, '127.0.0.1', () => socket.write('PING\r\n'));
      const answer = (good: boolean) => {
        socket.destroy();
        resolve(good);
      };
      socket.once('data', (data) => answer(data.toString().startsWith('+PONG')));
      socket.once('error', () => answer(false));
    });
  }
}
