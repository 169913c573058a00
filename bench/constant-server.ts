/**
 * A bare node:http server that answers every request with the same: what Node can do. Started with the status, the header
 * fields as JSON, and the bytes of the body.
 */

import { createServer } from 'node:http';

const [status = '', fields = '', bytes = ''] = process.argv.slice(2);
const headers = JSON.parse(fields) as string[];
const body = bytes === '0' ? undefined : Buffer.alloc(Number(bytes), 'x');

const server = createServer((_request, response) => {
  response.writeHead(Number(status), headers);
  response.end(body);
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as { port: number }).port));
process.on('disconnect', () => process.exit());
