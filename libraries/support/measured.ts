// The MCP server that `bench resources` measures with and without a proxy: the official SDK, as it comes. The argument is its port.
import { withSessions } from './unprotected.ts';

withSessions().listen(Number(process.argv[2]), '127.0.0.1');
