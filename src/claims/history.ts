import Type from 'typebox';
import type { Sql } from '../db/client.ts';
import { claimStatuses } from './schema.ts';

const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

const Cause = Type.Object(
  {
    import: Type.Object({
      id: Type.String({ format: 'uuid' }),
      file: nullable(Type.String({ examples: ['2024-03/remittances.835'] })),
      format: nullable(Type.String({ examples: ['x12-835'] })),
    }),
    message: nullable(
      Type.Object(
        {
          type: Type.String({ description: 'claim (given whole), submission, remittance, status, ledger' }),
          unit: Type.String({ examples: ['segment'] }),
          position: Type.Integer({ description: 'In the file, from 1, in the unit' }),
          reference: Type.Optional(Type.String({ description: "The sender's number of it: BHT03, TRN02" })),
          date: Type.Optional(Type.String({ description: 'Of the message, yyyy-mm-dd' })),
        },
        { description: 'null where what a file says of the patient changed the claim' },
      ),
    ),
  },
  { description: 'The import, and what of its file' },
);

/** A state of a claim, and what brought and ended it. */
export const ClaimState = Type.Object(
  {
    version: Type.Integer({ minimum: 1, description: '1, 2, 3, … of the claim' }),
    status: Type.Enum([...claimStatuses]),
    from: Type.String({ format: 'date-time' }),
    until: nullable(Type.String({ format: 'date-time', description: 'null: it stands' })),
    broughtBy: Cause,
    endedBy: nullable(Cause),
    claim: Type.Ref('Claim'),
  },
  { $id: 'ClaimState', description: 'A state of a claim, and what brought and ended it' },
);

interface StateRow {
  version: number;
  status: string;
  document: string;
  updatedAt: Date;
  endedAt: Date | null;
  importId: string;
  file: string | null;
  format: string | null;
  message: string | null;
  endedBy: string | null;
  endedFile: string | null;
  endedFormat: string | null;
  endedMessage: string | null;
}

/** The states of a claim before one version, the latest first, and the data version that they are of. */
export async function listStates(
  sql: Sql,
  id: string,
  before: number,
  limit: number,
): Promise<{ states: StateRow[]; version: string }> {
  const states = await sql<(StateRow & { dataVersion: string })[]>`
    select s.version, s.status, s.document, s.updated_at as "updatedAt", s.ended_at as "endedAt",
      s.import_id as "importId", b.file, b.format, s.message,
      s.ended_by as "endedBy", e.file as "endedFile", e.format as "endedFormat", s.ended_message as "endedMessage",
      (select version from data_version) as "dataVersion"
    from (
      select version, status, document, updated_at, null::timestamptz as ended_at, import_id, message,
        null::uuid as ended_by, null as ended_message
      from claims where id = ${id} and version < ${before}
      union all
      select version, status, document, updated_at, ended_at, import_id, message, ended_by, ended_message
      from claim_history where id = ${id} and version < ${before}
    ) s
    left join imports b on b.id = s.import_id
    left join imports e on e.id = s.ended_by
    order by s.version desc limit ${limit}`;
  return { states, version: states[0]?.dataVersion ?? '' };
}

/** The JSON of a state; its claim's document and its messages are JSON already. */
export function renderState(row: StateRow): string {
  const cause = (id: string, file: string | null, format: string | null, message: string | null) =>
    `{"import":${JSON.stringify({ id, file, format })},"message":${message ?? 'null'}}`;
  const from = row.updatedAt.toISOString();
  const document = `${row.document.slice(0, -1)},"lastUpdated":"${from}"}`;
  const ended = row.endedBy && cause(row.endedBy, row.endedFile, row.endedFormat, row.endedMessage);
  return (
    `{"version":${row.version},"status":"${row.status}","from":"${from}",` +
    `"until":${row.endedAt ? `"${row.endedAt.toISOString()}"` : 'null'},` +
    `"broughtBy":${cause(row.importId, row.file, row.format, row.message)},"endedBy":${ended ?? 'null'},` +
    `"claim":${document}}`
  );
}
