// An MCP server that knows nothing of authorization: over HTTP with sessions and event streams, or over stdio.
import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express from 'express';
import { z } from 'zod';

function server(): McpServer {
  const server = new McpServer({ name: 'unprotected', version: '1.0.0' });
  server.registerTool('echo', { description: 'Says the same.', inputSchema: { text: z.string() } }, ({ text }) => ({
    content: [{ type: 'text', text }],
  }));
  server.registerTool('count', { description: 'Counts, and tells each step.', inputSchema: { to: z.number() } }, async ({ to }, { _meta, sendNotification }) => {
    for (let progress = 1; progress <= to; progress += 1) {
      const progressToken = _meta?.progressToken;
      if (progressToken !== undefined) await sendNotification({ method: 'notifications/progress', params: { progressToken, progress } });
    }
    return { content: [{ type: 'text', text: `Counted to ${to}` }] };
  });
  server.registerTool('add_note', { description: 'Adds a note.', inputSchema: { text: z.string() } }, ({ text }) => ({
    content: [{ type: 'text', text: `Noted: ${text}` }],
  }));
  server.registerTool('settings', { description: 'Names the variables of Vestibule.' }, () => ({
    content: [{ type: 'text', text: JSON.stringify(Object.keys(process.env).filter((name) => name.startsWith('VESTIBULE_'))) }],
  }));
  server.registerTool('wait', { description: 'Tells its progress, and waits until it is cancelled.' }, async ({ _meta, signal, sendNotification }) => {
    const progressToken = _meta?.progressToken;
    if (progressToken !== undefined) await sendNotification({ method: 'notifications/progress', params: { progressToken, progress: 1 } });
    await aborted(signal);
    cancelled.emit('call');
    return { content: [] };
  });
  return server;
}

/** Tells of each call that a client has cancelled. */
export const cancelled = new EventEmitter();

/** Waits for the end of a call by its client. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

/** What the server has seen of each request. */
export type Seen = Record<string, string | string[] | undefined>[];

/** Starts it over HTTP; returns its address, and the headers of its requests. */
export async function overHttp(): Promise<{ address: string; seen: Seen; stop: () => void }> {
  const seen: Seen = [];
  const app = express();
  app.use((request, _, next) => {
    seen.push({ method: request.method, ...request.headers });
    next();
  });
  app.use(withSessions());
  return { ...(await listening(app)), seen };
}

/** The application over HTTP: a transport of the SDK for each session. */
export function withSessions(): express.Express {
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const app = express();
  app.use(express.json());
  app.all('/mcp', async (request, response) => {
    let transport = sessions.get(String(request.headers['mcp-session-id']));
    if (!transport) {
      const opened: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (id) => void sessions.set(id, opened),
      });
      transport = opened;
      await server().connect(transport);
    }
    await transport.handleRequest(request, response, request.body);
  });
  return app;
}

/** Serves an application on a free port. */
export async function listening(app: express.Express): Promise<{ address: string; stop: () => void }> {
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, stop };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await server().connect(new StdioServerTransport());
