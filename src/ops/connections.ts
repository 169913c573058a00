import type { RequestListener, Server } from 'node:http';

/** Requests wait for connections no longer than this: in the time some 150 come in. */
const mostMs = 20;

/**
 * Lets those in who connect together before requests are answered: what is returned handles a request at once, or behind
 * the last of them. libuv accepts one connection in a turn of the loop, so turns that answer fifty requests keep others
 * out: behind 160 clients that connected at once and asked without a pause, a probe waited up to 112 ms; so, up to 27.
 */
export function afterConnections(server: Server, handle: RequestListener): RequestListener {
  let waiting: Parameters<RequestListener>[] = [];
  let isOpening = false;
  let since = 0;
  /** No connection came in the turn that ends. */
  let isQuiet = false;

  server.on('connection', () => {
    isQuiet = false;
    if (isOpening) return;
    isOpening = true;
    setImmediate(() => {
      // Not from the connection on: what else its turn has done may have taken longer.
      since = performance.now();
      endOfTurn();
    });
  });

  function endOfTurn(): void {
    if (!isQuiet && performance.now() - since < mostMs) {
      isQuiet = true;
      setImmediate(endOfTurn);
      return;
    }
    isOpening = false;
    const requests = waiting;
    waiting = [];
    // What one does to the end in this turn is done before the next one.
    for (const [request, response] of requests) setImmediate(handle, request, response);
  }

  return (request, response) => {
    if (isOpening) waiting.push([request, response]);
    else handle(request, response);
  };
}
