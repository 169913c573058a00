import type { IncomingMessage, Server, ServerResponse } from 'node:http';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Requests wait for connections no longer than this. */
const mostMs = 5;

/**
 * Lets those in who connect together before requests are answered: what is returned handles a request at once, or behind
 * the last of them. libuv accepts one connection in a turn of the loop, so a turn that answers fifty requests keeps all
 * others waiting: where 160 clients connected at once and asked without a pause, a probe came in more than 35 ms late seven
 * times of twenty, which so happens once in twenty.
 */
export function afterConnections(server: Server, handle: Handler): Handler {
  let waiting: Parameters<Handler>[] = [];
  let isOpening = false;
  let since = 0;
  let isLast = false;

  server.on('connection', () => {
    isLast = false;
    if (isOpening) return;
    isOpening = true;
    since = performance.now();
    setImmediate(endOfTurn);
  });

  function endOfTurn(): void {
    if (!isLast && performance.now() - since < mostMs) {
      isLast = true;
      setImmediate(endOfTurn);
      return;
    }
    isOpening = false;
    const requests = waiting;
    waiting = [];
    for (const [request, response] of requests) handle(request, response);
  }

  return (request, response) => {
    if (isOpening) waiting.push([request, response]);
    else handle(request, response);
  };
}
