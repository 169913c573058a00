import { useEffect } from 'preact/hooks';
import { formatBytes, formatCount, formatSeconds } from '../quantity.ts';
import { type Api, type Import, type ImportPage, isUnderWay } from './api.ts';
import { ImportProgress, useRefresh } from './import-progress.tsx';
import { formatInstant } from './instant.ts';
import { Pager } from './pager.tsx';
import { type Position, pageNumber } from './paging.ts';
import { formatHash, importBy } from './route.ts';
import { Code, type Column, Stacked, Status, Table } from './table.tsx';
import { Trouble } from './trouble.tsx';
import { useAnswer } from './use-answer.ts';

const pageSize = 50;

const count = (title: string, of: (row: Import) => number): Column<Import> => ({
  title,
  numeric: true,
  cell: (row) => formatCount(of(row)),
});

const columns: Column<Import>[] = [
  {
    title: 'File',
    cell: ({ id, file, reason }) => (
      <Stacked
        first={
          <a class="file" href={formatHash(importBy(id))}>
            {file}
          </a>
        }
        second={reason}
      />
    ),
  },
  { title: 'Format', cell: ({ format }) => format !== null && <Code>{format}</Code> },
  {
    title: 'Status',
    cell: (row) => (
      <>
        <Status status={row.status} />
        <ImportProgress of={row} />
      </>
    ),
  },
  {
    title: 'Started',
    cell: ({ startedAt }) => <time dateTime={startedAt}>{formatInstant(startedAt)}</time>,
  },
  { title: 'Took', numeric: true, cell: ({ seconds }) => formatSeconds(seconds) },
  { title: 'Size', numeric: true, cell: ({ size }) => formatBytes(size) },
  count('Read', ({ read }) => read),
  count('Added', ({ added }) => added),
  count('Changed', ({ changed }) => changed),
  count('Unchanged', ({ unchanged }) => unchanged),
  {
    title: 'Rejected',
    numeric: true,
    cell: ({ rejected, warned }) => (
      <Stacked
        first={formatCount(rejected)}
        second={warned > 0 && `${formatCount(warned)} ${warned === 1 ? 'warning' : 'warnings'}`}
      />
    ),
  },
];

interface ImportListProps {
  api: Api;
  position: Position;
  go(position: Position): void;
}

export function ImportList({ api, position, go }: ImportListProps) {
  const { cursor } = position;
  const { value, problem, loading, reload } = useAnswer(`imports ${cursor}`, async (signal) => {
    const query = { limit: String(pageSize), ...(cursor !== '' && { cursor }) };
    // With its own position: until the next page is here, this one is on screen under the next one's address.
    return { ...(await api.get<ImportPage>('/api/imports', query, signal)), position };
  });
  const imports = value?.imports ?? [];
  const underWay = imports.some(isUnderWay);
  useEffect(() => {
    document.title = 'Imports – Claims';
  }, []);
  useRefresh(underWay, [value, problem], reload);

  const next = loading || !value ? null : value.next;
  return (
    <>
      <h1>Imports</h1>
      {problem && <Trouble what="The imports could not be listed." problem={problem} retry={reload} />}
      <div class="bar" aria-busy={loading}>
        <p role="status">
          {value ? inWords(imports.length, underWay, value.position) : loading ? 'Loading imports…' : ''}
        </p>
        {(next !== null || cursor !== '') && <Pager label="Pages of imports" position={position} next={next} go={go} />}
      </div>
      {imports.length > 0 && (
        <div class="scroll">
          <Table label="Imports" columns={columns} rows={imports} rowKey={({ id }) => id} />
        </div>
      )}
    </>
  );
}

function inWords(count: number, underWay: boolean, position: Position): string {
  if (underWay) return 'An import is running: the counts refresh by themselves.';
  if (count === 0) return position.cursor === '' ? 'Nothing was imported yet.' : 'There are no further imports.';
  const page = pageNumber(position);
  if (page === undefined) return '';
  const first = (page - 1) * pageSize + 1;
  return count === 1 ? `Import ${first}, newest first` : `Imports ${first} to ${first + count - 1}, newest first`;
}
