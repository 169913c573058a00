/** What of autocannon is used here; it brings no types. */
declare module 'autocannon' {
  interface Request {
    path?: string;
    headers?: { [name: string]: string };
  }

  interface Options {
    url: string;
    connections: number;
    /** Seconds. */
    duration: number;
    /** Seconds. */
    timeout: number;
    requests: {
      setupRequest(request: Request, context: { path?: string }): Request;
      onResponse(
        status: number,
        body: string,
        context: { path?: string },
        headers: { [name: string]: string | string[] },
      ): void;
    }[];
  }

  interface Instance extends PromiseLike<unknown> {
    /** Milliseconds. */
    on(event: 'response', listener: (client: unknown, status: number, bytes: number, took: number) => void): void;
    on(event: 'reqError', listener: (error: Error) => void): void;
    stop(): void;
  }

  export default function autocannon(options: Options): Instance;
}
