import { cleanFilters, type Filters, type Sort } from './filters.ts';

/**
 * A view and all that is needed to show it again. It lives in the fragment of the address, which browsers do not send:
 * a patient's id in it reaches no server's log.
 */
export type Route =
  | ({ view: 'claims' } & ClaimListRoute)
  | { view: 'claim'; id: string }
  | { view: 'imports' }
  | { view: 'missing' };

export interface ClaimListRoute {
  filters: Filters;
  sort: Sort;
  /** Where the page begins, as the page before it said; empty for the first page. */
  cursor: string;
}

export function claimsBy(filters: Filters): Route {
  return { view: 'claims', filters, sort: '-serviceDate', cursor: '' };
}

export const allClaims = claimsBy({});

export function parseHash(hash: string): Route {
  const [path = '', query = ''] = splitOnce(hash.replace(/^#/, ''), '?');
  if (path === '' || path === '/' || path === '/claims') {
    const parameters = new URLSearchParams(query);
    return {
      view: 'claims',
      filters: cleanFilters((name) => parameters.get(name)),
      sort: parameters.get('sort') === 'serviceDate' ? 'serviceDate' : '-serviceDate',
      cursor: parameters.get('cursor') ?? '',
    };
  }
  if (path === '/imports') return { view: 'imports' };
  const id = /^\/claims\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i.exec(path)?.[1];
  return id === undefined ? { view: 'missing' } : { view: 'claim', id: id.toLowerCase() };
}

export function formatHash(route: Route): string {
  if (route.view === 'claim') return `#/claims/${route.id}`;
  if (route.view !== 'claims') return `#/${route.view}`;
  const parameters = new URLSearchParams(route.filters);
  if (route.sort !== '-serviceDate') parameters.set('sort', route.sort);
  if (route.cursor !== '') parameters.set('cursor', route.cursor);
  return parameters.size === 0 ? '#/claims' : `#/claims?${parameters}`;
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}
