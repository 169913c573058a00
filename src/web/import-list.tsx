import { useEffect } from 'preact/hooks';
import type { Api, Import, ImportPage } from './api.ts';
import { formatInstant } from './instant.ts';
import { formatBytes, formatCount, formatSeconds } from './quantity.ts';
import { Code, type Column, Stacked, Status, Table } from './table.tsx';
import { Trouble } from './trouble.tsx';
import { useAnswer } from './use-answer.ts';

const refreshMilliseconds = 3000;

const count = (title: string, of: (row: Import) => number): Column<Import> => ({
  title,
  numeric: true,
  cell: (row) => formatCount(of(row)),
});

const columns: Column<Import>[] = [
  { title: 'File', cell: ({ file, reason }) => <Stacked first={<span class="file">{file}</span>} second={reason} /> },
  { title: 'Format', cell: ({ format }) => format !== null && <Code>{format}</Code> },
  { title: 'Status', cell: ({ status }) => <Status status={status} /> },
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
  count('Rejected', ({ rejected }) => rejected),
];

export function ImportList({ api }: { api: Api }) {
  const { value, problem, loading, reload } = useAnswer('imports', (signal) =>
    api.get<ImportPage>('/api/imports', { limit: '50' }, signal),
  );
  const running = value?.imports.some(({ status }) => status === 'running') ?? false;
  useEffect(() => {
    document.title = 'Imports – Claims';
  }, []);
  // Each answer, a failure too, is another `value` or `problem` and so sets the next timer.
  useEffect(() => {
    if (!running) return;
    const timer = setTimeout(reload, refreshMilliseconds);
    return () => clearTimeout(timer);
  }, [value, problem]);

  return (
    <>
      <h1>Imports</h1>
      {problem && <Trouble what="The imports could not be listed." problem={problem} retry={reload} />}
      <p class="note" role="status">
        {loading
          ? 'Loading imports…'
          : running
            ? 'An import is running: the counts refresh by themselves.'
            : value?.imports.length === 0
              ? 'Nothing was imported yet.'
              : value?.next
                ? `The latest ${value.imports.length} imports`
                : ''}
      </p>
      {value && value.imports.length > 0 && (
        <div class="scroll">
          <Table label="Imports" columns={columns} rows={value.imports} rowKey={({ id }) => id} />
        </div>
      )}
    </>
  );
}
