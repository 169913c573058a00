/** A bare node:http server that answers every request with the same: what Node can do. Started with status and bytes. */

import { createServer } from 'node:http';

const [status, bytes] = process.argv.slice(2).map(Number) as [number, number];
const body = Buffer.alloc(bytes, 'x');
const headers = status === 304 ? {} : { 'content-type': 'application/json; charset=utf-8', 'content-length': bytes };

const server = createServer((_request, response) => {
  response.writeHead(status, headers);
  response.end(status === 304 ? undefined : body);
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as { port: number }).port));
process.on('disconnect', () => process.exit());
