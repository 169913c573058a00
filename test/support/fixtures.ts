import { describe } from 'vitest';

/** Claims that nobody of this project made, where CLAIMS_API_FIXTURES says they are. */
export const fixtures = process.env.CLAIMS_API_FIXTURES;

/** Runs with the fixtures, and is reported as skipped where there are none. */
export const describeWithFixtures = describe.skipIf(!fixtures);
