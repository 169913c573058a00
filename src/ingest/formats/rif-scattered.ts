import { Refusal } from '../format.ts';
import { decompressedBytes, type InputFile } from '../input.ts';
import { type Line, readLines } from '../lines.ts';
import { fieldAt } from './rif-row.ts';

/** The lines of one claim, as they come: together, or from all over the file. */
export interface ClaimLines {
  number: string;
  lines: Line[];
  /** A line that could not be read at all came after the last of these: it may be of this claim. */
  damaged?: Line;
}

/**
 * The claims whose rows do not stand together, by a look at the number column alone. The numbers seen take at most 32 MiB
 * however large the file is; what is taken for a second run is counted in another pass, so that only claims that really
 * are scattered are held. At 2 GB (3.5 million claims) some 5 claims are mistaken, at 20 GB 1 in 100.
 */
export async function scatteredClaims(file: InputFile, numberColumn: number, isLast: boolean): Promise<Set<string>> {
  const seen = new SeenNumbers(await decompressedBytes(file));
  const runs = new Map<string, number>();
  await eachRun(file, numberColumn, isLast, (number) => {
    if (seen.add(number)) runs.set(number, 0);
  });
  if (runs.size === 0) return new Set();
  await eachRun(file, numberColumn, isLast, (number) => {
    const count = runs.get(number);
    if (count !== undefined) runs.set(number, count + 1);
  });
  return new Set([...runs].filter(([, count]) => count > 1).map(([number]) => number));
}

/** Names the claim of each run of rows that have the same one. */
async function eachRun(
  file: InputFile,
  numberColumn: number,
  isLast: boolean,
  name: (number: string) => void,
): Promise<void> {
  let previous: string | undefined;
  for await (const lines of readLines(file)) {
    for (const { text } of lines) {
      const number = fieldAt(text, numberColumn, isLast)?.trim();
      if (!number || number === previous) continue;
      previous = number;
      name(number);
    }
  }
}

/** Of the filter, for each byte of the file: far too many, so that hardly any file is read again for a mistake. */
const bitsAByte = 0.5;
const [leastWords, mostWords] = [1 << 10, 1 << 23];

/**
 * A set of strings that never forgets one, and now and then takes a new one for known. Its size is fixed: that of a file
 * of some 100 MB stays in the caches of a processor, where a set of the strings took half of the look at them.
 */
class SeenNumbers {
  readonly #words: Uint32Array;

  constructor(fileBytes: number) {
    const words = 2 ** Math.ceil(Math.log2((fileBytes * bitsAByte) / 32));
    this.#words = new Uint32Array(Math.min(Math.max(words, leastWords), mostWords));
  }

  /** Whether the string was, as far as can be told, added before. */
  add(text: string): boolean {
    let one = 0x811c9dc5;
    let other = 0;
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      one = Math.imul(one ^ code, 0x01000193);
      other = Math.imul(other ^ code, 0x5bd1e995) + 1;
    }
    // Two hashes give all four places (Kirsch and Mitzenmacher, 2006).
    let place = mixed(one);
    const step = mixed(other) | 1;
    let known = true;
    for (let probe = 0; probe < 4; probe += 1) {
      const word = (place >>> 5) & (this.#words.length - 1);
      const bit = 1 << (place & 31);
      if (((this.#words[word] as number) & bit) === 0) known = false;
      (this.#words[word] as number) |= bit;
      place = (place + step) | 0;
    }
    return known;
  }
}

/** The last step of MurmurHash3: every bit of the input reaches every bit of the result. */
function mixed(hash: number): number {
  let bits = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}

const maxHeldBytes = 64 << 20;

/** Keeps the rows of scattered claims until the end of the file, as far as memory may go. */
export class HeldRows {
  readonly #scattered: Set<string>;
  readonly #claims = new Map<string, ClaimLines>();
  #bytes = 0;

  constructor(scattered: Set<string>) {
    this.#scattered = scattered;
  }

  get expected(): boolean {
    return this.#scattered.size > 0;
  }

  take(number: string, line: Line): boolean {
    if (!this.expected || !this.#scattered.has(number)) return false; // An empty set hashes the number as well.
    this.#bytes += line.text.length;
    if (this.#bytes > maxHeldBytes) {
      throw new Refusal(
        `the rows of too many claims are scattered over the file (line ${line.number} is one); sort it by its claim number column`,
      );
    }
    const claim = this.#claims.get(number) ?? { number, lines: [] };
    claim.lines.push(line);
    this.#claims.set(number, claim);
    return true;
  }

  claims(): Iterable<ClaimLines> {
    return this.#claims.values();
  }
}
