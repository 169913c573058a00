import Type from 'typebox';

export const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const count = (description: string) => Type.Integer({ minimum: 0, description });
const time = Type.String({ format: 'date-time' });

const importFields = {
  id: Type.String({ format: 'uuid' }),
  file: Type.String({
    description: 'Below the data directory, or the name of an upload',
    examples: ['rif/carrier.csv'],
  }),
  format: nullable(Type.String({ examples: ['rif'] })),
  status: Type.Enum(['queued', 'running', 'completed', 'failed', 'refused', 'unknown'], {
    description:
      'queued: an upload that waits for its turn. failed: not read to its end. refused: nothing of it was taken. ' +
      'unknown: of no known format.',
  }),
  reason: nullable(Type.String({ description: 'Of failed, refused and unknown' })),
  size: count('Bytes'),
  bytesRead: nullable(count('Bytes read so far; null where the format does not tell')),
  fraction: nullable(
    Type.Number({ minimum: 0, maximum: 1, description: 'Of the file, read so far', examples: [0.25] }),
  ),
  read: count('Records read: claims, or patients of a beneficiary file'),
  added: count('Claims that were new'),
  changed: count('Claims that replaced an earlier state'),
  unchanged: count('Claims that were there already'),
  rejected: count('Records that were not taken'),
  warned: count('Warnings about records that were taken all the same'),
  seconds: Type.Number({ description: 'Spent writing, over all attempts' }),
  startedAt: time,
  finishedAt: nullable(time),
};
export const Import = Type.Object(importFields, { $id: 'Import', description: "What became of a file's content" });

export const kinds = ['reject', 'warning'] as const;

export const Reject = Type.Object(
  {
    number: Type.Integer({ minimum: 1, description: 'Within the import' }),
    kind: Type.Enum([...kinds], { description: 'warning: about something that was taken all the same' }),
    position: Type.Integer({ description: 'From 1, in the unit' }),
    unit: Type.String({ examples: ['line'] }),
    claim: nullable(Type.String({ description: "The claim's own number, where it could be read" })),
    field: nullable(Type.String({ examples: ['CLM_FROM_DT'] })),
    reason: Type.String(),
  },
  { $id: 'Reject', description: 'What was not taken, or a warning, and why' },
);

/** How many an import is answered with; the rest is paged through. */
export const shownRejects = 100;

export const ImportDetail = Type.Object(
  { ...importFields, rejects: Type.Array(Type.Ref('Reject'), { description: `The first ${shownRejects}` }) },
  { $id: 'ImportDetail', description: 'An import and what it did not take' },
);
