import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { end, freePort, type Options, type Server, until } from './server.ts';

/** Sets back the authentication time of all sessions. */
const AGE = `
  local aged = 0
  for _, key in ipairs(redis.call('KEYS', 'vestibule:record:session:*')) do
    local session = cjson.decode(redis.call('GET', key))
    session.authenticated_at = session.authenticated_at - tonumber(ARGV[1])
    redis.call('SET', key, cjson.encode(session), 'KEEPTTL')
    aged = aged + 1
  end
  return aged
`;

/** A Redis server for one test. */
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

  /** Settings for a server on it, with a sealing key from the command line. */
  async settings(startServer: (options: Options) => Promise<Server>): Promise<Record<string, string>> {
    const any = await startServer({ settings: { VESTIBULE_STORE: 'memory:' } });
    const { stdout } = await any.command(['key', 'seal']);
    return { VESTIBULE_STORE: this.url, VESTIBULE_SEALING_KEY: stdout.trim() };
  }

  /** Makes all sign-ins older, so that no test waits five minutes. */
  async ageSignIns(seconds: number): Promise<void> {
    const parameters = ['-e', '-p', `${this.port}`, 'EVAL', AGE, '0', `${seconds}`];
    const { stdout } = await promisify(execFile)('redis-cli', parameters);
    if (Number(stdout) < 1) throw new Error(`no sign-in was made older: ${stdout}`);
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
