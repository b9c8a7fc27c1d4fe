import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { WEB_HOST } from './browser.ts';
import { selfSigned } from './certificate.ts';

const PAGE = '<!doctype html><html lang="en"><title>Back in the application</title><link rel="icon" href="data:,"><h1>Back in the application</h1>';

/** The redirect endpoint of an application. */
export class Callback {
  /** All responses so far, oldest first. */
  readonly answers: URLSearchParams[] = [];
  /** Where it redirects the browser, if anywhere. */
  onward: string | undefined;

  private constructor(
    private readonly server: Server,
    readonly uri: string,
  ) {
    server.on('request', (request: IncomingMessage, response: ServerResponse) => this.#answer(request, response));
  }

  /** A loopback callback. */
  static async onThisComputer(host = '127.0.0.1'): Promise<Callback> {
    const server = createServer();
    const port = await listen(server);
    return new Callback(server, `http://${host}:${port}/callback`);
  }

  /** A callback of a web application at another origin, over TLS. */
  static async onTheWeb(host = WEB_HOST): Promise<Callback> {
    const server = createSecureServer(selfSigned(host));
    const port = await listen(server);
    return new Callback(server, `https://${host}:${port}/callback`);
  }

  /** The only response so far. */
  get answer(): URLSearchParams {
    const [answer] = this.answers;
    if (!answer || this.answers.length > 1) throw new Error(`${this.answers.length} answers came instead of one`);
    return answer;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', this.uri);
    if (url.pathname !== new URL(this.uri).pathname) {
      response.writeHead(404).end();
      return;
    }
    this.answers.push(url.searchParams);
    if (this.onward) response.writeHead(307, { location: this.onward }).end();
    else response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(PAGE);
  }
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
