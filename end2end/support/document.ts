import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type Server, createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { selfSigned } from './certificate.ts';

/** A client ID metadata document (R-C2), published on this computer over TLS. */
export class ClientDocument {
  /** How often it was fetched. */
  fetched = 0;
  readonly #paths = new Map<string, Record<string, unknown>>();

  private constructor(
    private readonly server: Server,
    private readonly origin: string,
    /** The certificate, for SSL_CERT_FILE. */
    readonly certificateFile: string,
  ) {}

  /** Publishes a document with these members and its own URL. */
  static async publish(members: Record<string, unknown>, certificateFile: string): Promise<ClientDocument> {
    const identity = selfSigned('localhost');
    await writeFile(certificateFile, identity.cert);
    const server = createServer(identity);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const origin = `https://localhost:${(server.address() as AddressInfo).port}`;
    const document = new ClientDocument(server, origin, certificateFile);
    document.also('client', members);
    server.on('request', (request, response) => {
      const found = document.#paths.get(request.url ?? '');
      if (!found) return void response.writeHead(404).end();
      document.fetched += 1;
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(found));
    });
    return document;
  }

  /** The URL of the document, which is the client id. */
  get url(): string {
    return `${this.origin}/client.json`;
  }

  /** Publishes another document; returns its URL. */
  also(name: string, members: Record<string, unknown>): string {
    const path = `/${name}.json`;
    this.#paths.set(path, { client_id: this.origin + path, ...members });
    return this.origin + path;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
