import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { Api, ClaimPage, ClaimSummary } from './api.ts';
import { ClaimFilters } from './claim-filters.tsx';
import { filterNames } from './filters.ts';
import { formatAmount } from './money.ts';
import { Pager } from './pager.tsx';
import { firstPage, type Position, pageNumber } from './paging.ts';
import { type ClaimListRoute, formatHash } from './route.ts';
import { Code, type Column, Stacked, Status, Table } from './table.tsx';
import { Trouble } from './trouble.tsx';
import { useAnswer } from './use-answer.ts';

const pageSize = 25;

interface ClaimListProps {
  api: Api;
  route: ClaimListRoute;
  position: Position;
  go(route: ClaimListRoute, position: Position): void;
}

export function ClaimList({ api, route, position, go }: ClaimListProps) {
  const { filters, sort, cursor } = route;
  const results = useRef<HTMLElement>(null);
  const { value, problem, loading, reload } = useAnswer(formatHash({ view: 'claims', ...route }), async (signal) => {
    const query = { limit: String(pageSize), ...filters, sort, ...(cursor !== '' && { cursor }) };
    // With its own position: until the next page is here, this one is on screen under the next one's address.
    return { ...(await api.get<ClaimPage>('/api/claims', query, signal)), position };
  });
  useEffect(() => {
    document.title = 'Claims';
  }, []);

  const fieldErrors = useMemo(
    () => (problem?.errors ?? []).filter(({ field }) => filterNames.some((name) => name === field)),
    [problem],
  );
  const filtered = Object.keys(filters).length > 0;
  const claims = value?.claims ?? [];
  // The page on screen names the one to come only once it is the page of this address.
  const next = loading || !value ? null : value.next;

  function turnTo(to: Position) {
    go({ ...route, cursor: to.cursor }, to);
    if (results.current && results.current.getBoundingClientRect().top < 0) results.current.scrollIntoView();
  }

  const sortButton = (
    <button
      type="button"
      class="sort"
      title={sort === '-serviceDate' ? 'Newest first; show the oldest first' : 'Oldest first; show the newest first'}
      onClick={() =>
        go({ ...route, sort: sort === 'serviceDate' ? '-serviceDate' : 'serviceDate', cursor: '' }, firstPage)
      }
    >
      Service date <span aria-hidden="true">{sort === 'serviceDate' ? '↑' : '↓'}</span>
    </button>
  );
  const columns: Column<ClaimSummary>[] = [
    {
      title: 'Service date',
      heading: sortButton,
      sorted: sort === 'serviceDate' ? 'ascending' : 'descending',
      cell: ({ id, billablePeriod: { start, end } }) => (
        <Stacked
          first={<a href={formatHash({ view: 'claim', id })}>{start}</a>}
          second={end !== start && `to ${end}`}
        />
      ),
    },
    { title: 'Type', cell: ({ type, subType }) => <Stacked first={type} second={subType} /> },
    { title: 'Status', cell: ({ status }) => <Status status={status} /> },
    { title: 'Patient', cell: ({ patient }) => <Code>{patient.id}</Code> },
    { title: 'Provider', cell: ({ provider }) => provider && <Party {...provider} /> },
    { title: 'Payer', cell: ({ insurer }) => insurer && <Party {...insurer} /> },
    { title: 'Diagnosis', cell: (claim) => <PrincipalDiagnosis claim={claim} /> },
    { title: 'Charge', numeric: true, cell: ({ total }) => total.charge && formatAmount(total.charge) },
    { title: 'Paid', numeric: true, cell: ({ total }) => total.paid && formatAmount(total.paid) },
  ];

  return (
    <>
      <h1>Claims</h1>
      <ClaimFilters
        applied={filters}
        errors={fieldErrors}
        apply={(wanted) => go({ ...route, filters: wanted, cursor: '' }, firstPage)}
      />
      {problem &&
        (fieldErrors.length > 0 && fieldErrors.length === problem.errors.length ? (
          <p class="trouble" role="alert">
            Nothing was searched: {fieldErrors.length === 1 ? 'a filter is' : 'some filters are'} not valid. The reason
            stands at the field.
          </p>
        ) : (
          <Trouble what="The claims could not be listed." problem={problem} retry={reload} />
        ))}
      <section class="results" aria-label="Claims found" aria-busy={loading} ref={results}>
        <div class="bar">
          <p role="status">
            {problem ? '' : value ? inWords(claims.length, filtered, value.position) : 'Loading claims…'}
          </p>
          {(claims.length > 0 || cursor !== '') && (
            <Pager label="Pages, above the claims" position={position} next={next} go={turnTo} />
          )}
        </div>
        {claims.length > 0 && (
          <>
            <Table label="Claims" columns={columns} rows={claims} rowKey={(claim) => claim.id} />
            <div class="bar">
              <p class="muted">Amounts in US dollars</p>
              <Pager label="Pages, below the claims" position={position} next={next} go={turnTo} />
            </div>
          </>
        )}
      </section>
    </>
  );
}

function inWords(count: number, filtered: boolean, position: Position): string {
  if (count === 0 && position.cursor !== '') return 'There are no further claims.';
  if (count === 0)
    return filtered ? 'No claim matches these filters.' : 'There are no claims yet: Imports shows what was loaded.';
  const page = pageNumber(position);
  if (page === undefined) return count === 1 ? '1 claim' : `${count} claims`;
  const first = (page - 1) * pageSize + 1;
  return count === 1 ? `Claim ${first}` : `Claims ${first} to ${first + count - 1}`;
}

function Party({ id, name }: { id: string; name?: string }) {
  const code = <Code>{id}</Code>;
  return name === undefined ? code : <Stacked first={name} second={code} />;
}

function PrincipalDiagnosis({ claim: { diagnosis } }: { claim: ClaimSummary }) {
  const principal = diagnosis.find(({ type }) => type === 'principal') ?? diagnosis[0];
  if (!principal) return null;
  return (
    <>
      <Code>{principal.code}</Code>
      {diagnosis.length > 1 && <span class="muted"> +{diagnosis.length - 1}</span>}
    </>
  );
}
