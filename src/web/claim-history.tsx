import type { Api, ClaimState, StatePage } from './api.ts';
import { formatInstant } from './instant.ts';
import { formatHash, importBy } from './route.ts';
import { type Column, Stacked, Status, Table } from './table.tsx';
import { Trouble } from './trouble.tsx';
import { useAnswer } from './use-answer.ts';

const mostStates = 100;

interface ClaimHistoryProps {
  api: Api;
  id: string;
}

/** The states of a claim, the latest first, each with what brought it. Nothing where there was only ever one. */
export function ClaimHistory({ api, id }: ClaimHistoryProps) {
  const { value, problem, reload } = useAnswer(id, (signal) =>
    api.get<StatePage>(`/api/claims/${encodeURIComponent(id)}/history`, { limit: String(mostStates) }, signal),
  );
  if (problem) return <Trouble what="The history of the claim could not be listed." problem={problem} retry={reload} />;
  if (value === undefined || value.states.length < 2) return null;
  return (
    <section>
      <h2>
        History
        <span class="muted"> {value.next === null ? value.states.length : `the latest ${mostStates} states`}</span>
      </h2>
      <div class="scroll">
        <Table label="History" columns={columns} rows={value.states} rowKey={({ version }) => version} />
      </div>
    </section>
  );
}

const columns: Column<ClaimState>[] = [
  { title: '#', cell: ({ version }) => version },
  { title: 'Status', cell: ({ status }) => <Status status={status} /> },
  { title: 'From', cell: ({ from }) => <time dateTime={from}>{formatInstant(from)}</time> },
  { title: 'Until', cell: ({ until }) => until && <time dateTime={until}>{formatInstant(until)}</time> },
  {
    title: 'Brought by',
    cell: ({ broughtBy: { import: from, message } }) => (
      <Stacked
        first={message === null ? "a file's word on the patient" : messageNames[message.type]}
        second={
          <a href={formatHash(importBy(from.id))}>
            {from.file ?? 'an import'}
            {message && `, ${message.unit} ${message.position}`}
          </a>
        }
      />
    ),
  },
];

const messageNames = {
  claim: 'a whole claim',
  submission: 'a submission',
  remittance: 'a remittance',
  status: 'a status message',
  ledger: 'a ledger',
};
