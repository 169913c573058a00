import type { Static } from 'typebox';
import type { ClaimDetail as ClaimDetailSchema, ClaimSummary as ClaimSummarySchema } from '../claims/schema.ts';

export type ClaimSummary = Static<typeof ClaimSummarySchema>;
export type ClaimDetail = Static<typeof ClaimDetailSchema>;

export interface ClaimPage {
  claims: ClaimSummary[];
  next: string | null;
}

/** What of which file brought a state of a claim. */
export interface Cause {
  import: { id: string; file: string | null; format: string | null };
  /** null where it is what a file says of the patient. */
  message: {
    type: 'claim' | 'submission' | 'remittance' | 'status' | 'ledger';
    unit: string;
    position: number;
  } | null;
}

export interface ClaimState {
  version: number;
  status: string;
  from: string;
  /** null: it stands. */
  until: string | null;
  broughtBy: Cause;
}

export interface StatePage {
  states: ClaimState[];
  next: string | null;
}

export interface Import {
  id: string;
  /** Below the data directory, or the name of an upload. */
  file: string;
  format: string | null;
  status: 'queued' | 'running' | 'completed' | 'failed' | 'refused' | 'unknown';
  reason: string | null;
  /** In bytes. */
  size: number;
  bytesRead: number | null;
  /** Of the file, read so far; null where that is not known. */
  fraction: number | null;
  read: number;
  added: number;
  changed: number;
  unchanged: number;
  rejected: number;
  warned: number;
  /** Spent loading so far. */
  seconds: number;
  startedAt: string;
  finishedAt: string | null;
}

export interface ImportPage {
  imports: Import[];
  next: string | null;
}

/** Whether an import has not ended yet, so that asking again shows more. */
export const isUnderWay = ({ status }: Import) => status === 'queued' || status === 'running';

export interface Reject {
  number: number;
  kind: 'reject' | 'warning';
  position: number;
  unit: string;
  claim: string | null;
  field: string | null;
  reason: string;
}

export interface RejectPage {
  rejects: Reject[];
  next: string | null;
}

export interface LoginAnswer {
  token: string;
  tokenType: string;
  /** In seconds. */
  expiresIn: number;
  scope: string;
}

export interface FieldError {
  field: string;
  message: string;
}

/** Why a request brought nothing: the service's problem details (RFC 9457), or what stood between it and us. */
export class Problem extends Error {
  /** The status answered; 0 where no answer came. */
  readonly status: number;
  readonly errors: FieldError[];
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, detail: string, errors: FieldError[] = [], retryAfterSeconds?: number) {
    super(detail);
    this.status = status;
    this.errors = errors;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** What to show a reader. */
  get sentence(): string {
    const text = this.message.charAt(0).toUpperCase() + this.message.slice(1);
    const sentence = /[.!?]$/.test(text) ? text : `${text}.`;
    const wait = this.retryAfterSeconds;
    // Details that already name a wait would say it twice.
    if (wait === undefined || /\bagain\b/i.test(text)) return sentence;
    const minutes = Math.ceil(wait / 60);
    const span =
      wait < 120
        ? `${wait} ${wait === 1 ? 'second' : 'seconds'}`
        : `${minutes} ${minutes === 1 ? 'minute' : 'minutes'}`;
    return `${sentence} Try again in ${span}.`;
  }
}

export interface Connection {
  fetch: typeof fetch;
  token(): string | undefined;
  /** Called when the service no longer takes the token. */
  signedOut(): void;
}

export type Api = ReturnType<typeof createApi>;

export function createApi(connection: Connection) {
  async function request<T>(path: string, init: RequestInit & { headers: Record<string, string> }): Promise<T> {
    try {
      const response = await connection.fetch(path, init);
      if (!response.ok) throw await readProblem(response);
      return (await response.json()) as T;
    } catch (error) {
      if (error instanceof Problem || init.signal?.aborted) throw error;
      if (error instanceof SyntaxError) throw new Problem(0, 'the answer is not JSON; is this the claims service?');
      throw new Problem(0, 'the service cannot be reached; check the network and try again');
    }
  }

  return {
    /** Rejects with a Problem, or with the signal's reason once that is aborted. */
    async get<T>(path: string, query: Record<string, string>, signal: AbortSignal): Promise<T> {
      const token = connection.token();
      const parameters = new URLSearchParams(query).toString();
      try {
        return await request<T>(parameters === '' ? path : `${path}?${parameters}`, {
          headers: { accept: 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) },
          signal,
        });
      } catch (error) {
        // A late answer to an old token says nothing of the one that came since.
        if (error instanceof Problem && error.status === 401 && token === connection.token()) connection.signedOut();
        throw error;
      }
    },

    login(username: string, password: string): Promise<LoginAnswer> {
      return request<LoginAnswer>('/api/auth/login', {
        method: 'POST',
        headers: { accept: 'application/json', 'content-type': 'application/json' },
        body: JSON.stringify({ username, password }),
      });
    },
  };
}

async function readProblem(response: Response): Promise<Problem> {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  const retryAfter = Number.isFinite(seconds) ? Math.ceil(seconds) : undefined;
  const isProblem = response.headers.get('content-type')?.startsWith('application/problem+json');
  const body: unknown = isProblem ? await response.json().catch(() => undefined) : undefined;
  const detail = text(field(body, 'detail')) ?? text(field(body, 'title'));
  const errors = field(body, 'errors');
  return new Problem(
    response.status,
    detail ?? `the service answered with status ${response.status} and no explanation`,
    Array.isArray(errors) ? errors.filter(isFieldError) : [],
    retryAfter,
  );
}

function field(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[name] : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isFieldError(value: unknown): value is FieldError {
  return typeof field(value, 'field') === 'string' && typeof field(value, 'message') === 'string';
}
