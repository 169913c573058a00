import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { EventLoopUtilization } from 'node:perf_hooks';
import type { FastifyHttpOptions, FastifyPluginAsync } from 'fastify';
import fp from 'fastify-plugin';
import type { Logger } from '../log.ts';
import { problemBody } from '../problems.ts';
import { afterConnections } from './connections.ts';

const retryAfterSeconds = 1;
/** So many a second, and no more, are turned away: each takes some 20 µs, which others need. */
const turnedAwayPerSecond = 1000;
const turnMs = 10;
/** Of its time a process works for so much where it has no room, however few requests it is answering right now. */
const busy = 0.9;
/** With more than this it has room for one at a time: who waited is among the slowest, and should be few. */
const halfBusy = 0.5;
/** Answers that wait for their clients to read them: beyond this much memory the one that waits longest ends. */
const mostUnreadBytes = 64 << 20;
/** What the system takes over at once. */
const smallBytes = 64 << 10;
const reads: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD']);

interface SheddingOptions {
  /** Requests that are answered at the same time. */
  capacity: number;
  log: Logger;
  /** Counts one that was turned away. */
  count(): void;
}

const body = problemBody('unavailable', 'more requests than can be answered at once; try again shortly');
const headers = [
  ...['content-type', 'application/problem+json', 'content-length', String(body.length)],
  ...['retry-after', String(retryAfterSeconds), 'cache-control', 'no-store', 'x-content-type-options', 'nosniff'],
];

/**
 * Keeps the service at its best where more is asked of it than it can answer: what is beyond its capacity is answered 503
 * at once, before anything is done for it. A client that does not heed Retry-After waits for its turn: its connection is
 * read again when there is time to turn it away again, so that turning away takes some 3 % of the process.
 * Probes are always answered; uploads and logins, whose bodies may come slowly, have bounds of their own. What a client is
 * slow to read holds no place, and is bounded by itself.
 */
export function createShedding({ capacity, log, count }: SheddingOptions) {
  const ample = Math.ceil(capacity / 4);
  const paused: Socket[] = [];
  /** Those that waited and are read again since the last turn, to be turned away. */
  const itsTurn = new Set<Socket>();
  /** When a connection was last turned away. */
  const turnedAwayAt = new WeakMap<Socket, number>();
  /** Requests that hold a place. */
  let atWork = 0;
  let turnedAway = 0;
  let turns: NodeJS.Timeout | undefined;
  let hasRoom = true;
  /** Of the process, until the last turn. */
  let usedBefore: EventLoopUtilization;

  /**
   * Who asks again before the time that Retry-After told comes in when there is ample room: others would have to share
   * their time with it. What waited until its turn would be among the slowest answers, and is turned away again.
   */
  function placesFor(socket: Socket): number {
    const at = turnedAwayAt.get(socket);
    if (at === undefined || performance.now() - at >= retryAfterSeconds * 1000) return capacity;
    return hasRoom && !itsTurn.has(socket) ? ample : 0;
  }

  function admit(response: ServerResponse): void {
    atWork += 1;
    response.on('close', giveBack);
  }

  /** Once: whether the response listens for this tells whether it holds a place, which a set of them took 4 % to tell. */
  function giveBack(this: ServerResponse): void {
    this.off('close', giveBack);
    atWork -= 1;
  }

  function turnAway(request: IncomingMessage, response: ServerResponse): void {
    count();
    turnedAway += 1;
    if (turns === undefined) {
      hasRoom = true;
      usedBefore = performance.eventLoopUtilization();
      turns = setInterval(takeTurns, turnMs);
    }
    const { socket } = request;
    turnedAwayAt.set(socket, performance.now());
    response.writeHead(503, headers).end(body);
    setImmediate(() => {
      if (socket.destroyed || socket.isPaused()) return;
      socket.pause();
      paused.push(socket);
    });
  }

  /** Who began to wait last gets answers that are hardly late; the others are turned away again when it is their turn. */
  function invite(count: number): void {
    for (const socket of paused.splice(-count, count)) {
      turnedAwayAt.delete(socket);
      socket.resume();
    }
  }

  let turn = 0;
  function takeTurns(): void {
    const used = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(used, usedBefore);
    usedBefore = used;
    hasRoom = utilization < busy;
    if (hasRoom && atWork < ample) invite(utilization < halfBusy ? ample - atWork : 1);
    itsTurn.clear();
    for (const socket of paused.splice(0, (turnedAwayPerSecond * turnMs) / 1000)) {
      itsTurn.add(socket);
      socket.resume();
    }
    turn += 1;
    if (turn % (1000 / turnMs) !== 0) return;
    if (turnedAway > 0) log.warn({ requests: turnedAway }, 'turned requests away: more than can be answered at once');
    else if (paused.length === 0) {
      clearInterval(turns);
      turns = undefined;
    }
    turnedAway = 0;
  }

  /** For Fastify's option of this name. */
  function serverFactory(
    handler: RequestListener,
    { http, requestTimeout = 0, connectionTimeout = 0 }: FastifyHttpOptions<Server>,
  ): Server {
    const server = createServer(http ?? {});
    const takeIn = afterConnections(server, (request, response) => {
      if (atWork >= placesFor(request.socket)) return turnAway(request, response);
      admit(response);
      handler(request, response);
    });
    server.on('request', (request, response) => {
      if (request.url?.startsWith('/health/') || !reads.has(request.method)) handler(request, response);
      else takeIn(request, response);
    });
    // As Fastify sets them for its own, but for a time of connections without a request, which that of all connections
    // ends as well: two other timers for each answer took 3 % of those from memory.
    Object.assign(server, { keepAliveTimeout: 0, requestTimeout });
    server.setTimeout(connectionTimeout);
    server.on('close', () => clearInterval(turns));
    return server;
  }

  /** Gives a request's place back when its answer is ready, whenever its client reads it. */
  const answers: FastifyPluginAsync = fp(async (app) => {
    const unread = new Map<ServerResponse, number>();
    let unreadBytes = 0;
    app.addHook('onSend', (_request, reply, payload, done) => {
      if (reply.raw.listenerCount('close', giveBack) > 0) giveBack.call(reply.raw);
      if (Buffer.isBuffer(payload) && payload.length > smallBytes) holdUnread(reply.raw, payload.length);
      done(null, payload);
    });

    function release(response: ServerResponse): void {
      unreadBytes -= unread.get(response) ?? 0;
      unread.delete(response);
    }

    function holdUnread(response: ServerResponse, bytes: number): void {
      unread.set(response, bytes);
      unreadBytes += bytes;
      for (const event of ['finish', 'close']) response.once(event, () => release(response));
      for (const [slowest] of unread) {
        if (unreadBytes <= mostUnreadBytes) break;
        slowest.destroy();
        release(slowest);
      }
    }
  });

  return { serverFactory, answers };
}
