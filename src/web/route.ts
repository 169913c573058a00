import { cleanFilters, type Filters, type Sort } from './filters.ts';

/**
 * A view and all that is needed to show it again. It lives in the fragment of the address, which browsers do not send:
 * a patient's id in it reaches no server's log.
 */
export type Route =
  | ({ view: 'claims' } & ClaimListRoute)
  | { view: 'claim'; id: string }
  | { view: 'imports'; cursor: string }
  | ({ view: 'import' } & ImportRoute)
  | { view: 'missing' };

export interface ClaimListRoute {
  filters: Filters;
  sort: Sort;
  /** Where the page begins, as the page before it said; empty for the first page. */
  cursor: string;
}

export interface ImportRoute {
  id: string;
  /** Of what is listed of it; empty for both. */
  kind: 'reject' | 'warning' | '';
  cursor: string;
}

export const allImports: Route = { view: 'imports', cursor: '' };

export function importBy(id: string): Route {
  return { view: 'import', id, kind: '', cursor: '' };
}

export function claimsBy(filters: Filters): Route {
  return { view: 'claims', filters, sort: '-serviceDate', cursor: '' };
}

export const allClaims = claimsBy({});

export function parseHash(hash: string): Route {
  const [path = '', query = ''] = splitOnce(hash.replace(/^#/, ''), '?');
  const parameters = new URLSearchParams(query);
  const cursor = parameters.get('cursor') ?? '';
  if (path === '' || path === '/' || path === '/claims') {
    return {
      view: 'claims',
      filters: cleanFilters((name) => parameters.get(name)),
      sort: parameters.get('sort') === 'serviceDate' ? 'serviceDate' : '-serviceDate',
      cursor,
    };
  }
  if (path === '/imports') return { view: 'imports', cursor };
  const [, list, found = ''] = /^\/(claims|imports)\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i.exec(path) ?? [];
  const id = found.toLowerCase();
  if (list === 'claims') return { view: 'claim', id };
  if (list !== 'imports') return { view: 'missing' };
  const kind = parameters.get('kind');
  return { view: 'import', id, kind: kind === 'reject' || kind === 'warning' ? kind : '', cursor };
}

export function formatHash(route: Route): string {
  if (route.view === 'claim') return `#/claims/${route.id}`;
  if (route.view === 'missing') return '#/missing';
  const parameters = new URLSearchParams(route.view === 'claims' ? route.filters : undefined);
  if (route.view === 'claims' && route.sort !== '-serviceDate') parameters.set('sort', route.sort);
  if (route.view === 'import' && route.kind !== '') parameters.set('kind', route.kind);
  if (route.cursor !== '') parameters.set('cursor', route.cursor);
  const path = route.view === 'import' ? `imports/${route.id}` : route.view;
  return parameters.size === 0 ? `#/${path}` : `#/${path}?${parameters}`;
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}
