import { pipeline, type Readable } from 'node:stream';
import { constants, createGzip, createZstdCompress } from 'node:zlib';
import type { ClaimFilters } from '../claims/queries.ts';
import { abandon, connect } from '../db/client.ts';
import { Problem } from '../problems.ts';
import { type CopiedFormat, copyClaims } from './copy-out.ts';

const retryAfterSeconds = 10;

export type Encoding = 'gzip' | 'zstd';

export interface OpenExport {
  /** The data version that the claims are of. */
  version: string;
  text: Readable;
  /** Ends it, wherever it is. */
  end(): void;
}

export interface Exports {
  /** Throws a Problem of kind unavailable where as many as may be are under way. */
  open(format: CopiedFormat, filters: ClaimFilters, encoding: Encoding | undefined): Promise<OpenExport>;
}

/**
 * Exports of the API: a connection for each, which no look-up waits for, and no more than so many at a time. Exports that
 * nobody waits for any more end with their connection.
 */
export function createExports(databaseUrl: string, mostAtOnce: number): Exports {
  let underWay = 0;
  return {
    async open(format, filters, encoding) {
      if (underWay >= mostAtOnce) {
        const detail = `${mostAtOnce} exports are under way, which is as many as may be; try again later`;
        throw new Problem('unavailable', detail, { retryAfterSeconds });
      }
      underWay += 1;
      const sql = connect(databaseUrl, { name: 'export' });
      let isOpen = true;
      const end = () => {
        if (!isOpen) return;
        isOpen = false;
        underWay -= 1;
        abandon(sql); // A transaction that reads has nothing to end well.
      };
      try {
        const { version, text } = await copyClaims(sql, format, filters, 'any');
        const sent = encoding ? pipeline(text, compressions[encoding](), () => {}) : text;
        sent.once('close', end);
        return { version, text: sent, end: () => sent.destroy() };
      } catch (error) {
        end();
        throw error;
      }
    },
  };
}

/** Fast rather than small: beyond these levels an export takes longer than to read it from the database. */
const compressions = {
  gzip: () => createGzip({ level: constants.Z_BEST_SPEED }),
  zstd: () => createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 1 } }),
};
