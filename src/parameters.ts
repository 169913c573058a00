import Type from 'typebox';
import { invalidField } from './problems.ts';

/** What parameters of several routes have in common. */

/** By pattern, as the format `uuid` also takes URNs. */
export const uuid = Type.String({
  pattern: '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$',
  examples: ['5e130059-062c-8ff0-81a6-6cf7cee76c89'],
});

export const defaultLimit = 25;

export const pageLimit = Type.Optional(
  Type.Integer({ minimum: 1, maximum: 1000, default: defaultLimit, description: 'Entries a page' }),
);

/** Ajv makes a number of `Infinity` and then finds no fault with it. */
export function checkLimit(limit: number): void {
  if (!Number.isFinite(limit)) throw invalidField('limit', 'must be integer');
}

export const pageCursor = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 200,
    description: '`next` of the page before, with the same sort and filters',
  }),
);
