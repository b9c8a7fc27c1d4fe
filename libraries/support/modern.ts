// An MCP server of revision 2026-07-28 that knows nothing of authorization.
import { toNodeHandler } from '@modelcontextprotocol/node';
import { McpServer, createMcpHandler } from '@modelcontextprotocol/server';
import express from 'express';
import { z } from 'zod';
import { type Seen, aborted, cancelled, listening } from './unprotected.ts';

function server(): McpServer {
  const server = new McpServer({ name: 'modern', version: '1.0.0' });
  const say = (text: string) => ({ content: [{ type: 'text' as const, text }] });
  server.registerTool('echo', { description: 'Says the same.', inputSchema: z.object({ text: z.string() }) }, async ({ text }) => say(text));
  server.registerTool('add_note', { description: 'Adds a note.', inputSchema: z.object({ text: z.string() }) }, async ({ text }) => say(`Noted: ${text}`));
  server.registerTool('wait', { description: 'Tells its progress, and waits until it is cancelled.' }, async ({ mcpReq }) => {
    const progressToken = mcpReq._meta?.progressToken;
    if (progressToken !== undefined) await mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress: 1 } });
    await aborted(mcpReq.signal);
    cancelled.emit('call');
    return say('nobody reads this');
  });
  return server;
}

/** Starts it; returns its address, and the headers of its requests. */
export async function modern(): Promise<{ address: string; seen: Seen; stop: () => void }> {
  const seen: Seen = [];
  const serve = toNodeHandler(createMcpHandler(server));
  const app = express();
  app.use(express.json());
  app.all('/mcp', (request, response) => {
    seen.push({ method: request.method, ...request.headers });
    return serve(request, response, request.body);
  });
  return { ...(await listening(app)), seen };
}
