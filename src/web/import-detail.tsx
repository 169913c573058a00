import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { formatBytes, formatCount, formatSeconds } from '../quantity.ts';
import { type Api, type Import, isUnderWay, type Reject, type RejectPage } from './api.ts';
import { ImportProgress, useRefresh } from './import-progress.tsx';
import { formatInstant } from './instant.ts';
import { Pager } from './pager.tsx';
import { firstPage, type Position } from './paging.ts';
import { formatHash, type ImportRoute } from './route.ts';
import { Code, type Column, Status, Table } from './table.tsx';
import { Trouble } from './trouble.tsx';
import { useAnswer } from './use-answer.ts';

const pageSize = 50;

interface ImportDetailProps {
  api: Api;
  route: ImportRoute;
  position: Position;
  go(route: ImportRoute, position: Position): void;
  back: ComponentChildren;
}

export function ImportDetail({ api, route, position, go, back }: ImportDetailProps) {
  const { value, problem, loading, reload } = useAnswer(route.id, (signal) =>
    api.get<Import>(`/api/imports/${encodeURIComponent(route.id)}`, {}, signal),
  );
  useEffect(() => {
    document.title = 'Import – Claims';
  }, []);
  useRefresh(value !== undefined && isUnderWay(value), [value, problem], reload);
  return (
    <>
      <p>{back}</p>
      {problem && <Trouble what="The import could not be shown." problem={problem} retry={reload} />}
      {loading && !value && <p role="status">Loading the import…</p>}
      {value && (
        <article class="claim">
          <ImportSheet of={value} />
          {value.rejected + value.warned > 0 && (
            <Rejects api={api} of={value} route={route} position={position} go={go} />
          )}
        </article>
      )}
    </>
  );
}

function ImportSheet({ of }: { of: Import }) {
  return (
    <>
      <h1>
        {of.file} <Status status={of.status} />
      </h1>
      {of.reason && <p class="notice">{of.reason}</p>}
      <ImportProgress of={of} />
      <dl class="totals">
        <Fact term="Read">{formatCount(of.read)}</Fact>
        <Fact term="Added">{formatCount(of.added)}</Fact>
        <Fact term="Changed">{formatCount(of.changed)}</Fact>
        <Fact term="Unchanged">{formatCount(of.unchanged)}</Fact>
        <Fact term="Rejected">{formatCount(of.rejected)}</Fact>
        <Fact term="Warnings">{formatCount(of.warned)}</Fact>
      </dl>
      <dl class="facts">
        {of.format && (
          <Fact term="Format">
            <Code>{of.format}</Code>
          </Fact>
        )}
        <Fact term="Size">
          {formatBytes(of.size)}
          {isUnderWay(of) && of.bytesRead !== null && <span class="second">{formatBytes(of.bytesRead)} read</span>}
        </Fact>
        <Fact term="Started">
          <time dateTime={of.startedAt}>{formatInstant(of.startedAt)}</time>
        </Fact>
        {of.finishedAt && (
          <Fact term="Ended">
            <time dateTime={of.finishedAt}>{formatInstant(of.finishedAt)}</time>
          </Fact>
        )}
        <Fact term="Took">{formatSeconds(of.seconds)}</Fact>
        <Fact term="Id">
          <Code>{of.id}</Code>
        </Fact>
      </dl>
    </>
  );
}

function Fact({ term, children }: { term: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </div>
  );
}

const columns: Column<Reject>[] = [
  { title: 'Where', cell: ({ unit, position }) => `${unit} ${formatCount(position)}` },
  { title: 'Kind', cell: ({ kind }) => <Status status={kind} /> },
  { title: 'Claim', cell: ({ claim }) => claim !== null && <Code>{claim}</Code> },
  { title: 'Field', cell: ({ field }) => field !== null && <Code>{field}</Code> },
  { title: 'Reason', cell: ({ reason }) => reason },
];

type RejectsProps = Omit<ImportDetailProps, 'back'> & { of: Import };

function Rejects({ api, of, route, position, go }: RejectsProps) {
  const { id, kind, cursor } = route;
  // While it runs, its counts say that there may be more to list.
  const key = `${formatHash({ view: 'import', ...route })} ${of.rejected + of.warned}`;
  const { value, problem, loading, reload } = useAnswer(key, (signal) =>
    api.get<RejectPage>(
      `/api/imports/${encodeURIComponent(id)}/rejects`,
      { limit: String(pageSize), ...(kind !== '' && { kind }), ...(cursor !== '' && { cursor }) },
      signal,
    ),
  );
  const next = loading || !value ? null : value.next;
  const kinds: [ImportRoute['kind'], string, number][] = [
    ['', 'All', of.rejected + of.warned],
    ['reject', 'Rejects', of.rejected],
    ['warning', 'Warnings', of.warned],
  ];
  return (
    <section class="results" aria-label="Rejects and warnings" aria-busy={loading}>
      <h2>Rejects and warnings</h2>
      {problem && <Trouble what="They could not be listed." problem={problem} retry={reload} />}
      <div class="bar">
        <fieldset class="kinds" aria-label="Kind">
          {kinds.map(([choice, name, count]) => (
            <button
              key={choice}
              type="button"
              aria-pressed={choice === kind}
              onClick={() => choice !== kind && go({ id, kind: choice, cursor: '' }, firstPage)}
            >
              {name} {formatCount(count)}
            </button>
          ))}
        </fieldset>
        {(next !== null || cursor !== '') && (
          <Pager
            label="Pages of rejects"
            position={position}
            next={next}
            go={(to) => go({ ...route, cursor: to.cursor }, to)}
          />
        )}
      </div>
      {value && value.rejects.length > 0 && (
        <Table label="Rejects and warnings" columns={columns} rows={value.rejects} rowKey={({ number }) => number} />
      )}
      {value && value.rejects.length === 0 && <p role="status">There are none.</p>}
    </section>
  );
}
