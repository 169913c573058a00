import type { Message } from '../claims/messages.ts';
import type { Claim, Gender } from '../claims/schema.ts';
import type { InputFile } from './input.ts';

/** Where reading goes on: the format's own offset into the decompressed file, and how many units lie before it. */
export interface Resume {
  offset: number;
  position: number;
}

/** A record that is not taken. The reason says what was expected and quotes nothing of the record. */
export interface Reject {
  /** Counted from 1, in the format's unit. */
  position: number;
  /** The claim's own number, where it could be read. */
  claim?: string | undefined;
  field?: string | undefined;
  reason: string;
}

/** What a beneficiary file says of a patient. */
export interface Patient {
  system: string;
  id: string;
  birthDate?: string | undefined;
  gender?: Gender | undefined;
  /** The reference year of the statement, 0 where there is none; the latest holds. */
  asOf: number;
}

/**
 * One record of a file, and where to go on after it. A claim takes the place of what is known of it; a message changes
 * it (claims/messages.ts). A warning is about something that is taken all the same.
 */
export type Entry = { resume: Resume } & (
  | { claim: Claim; position: number }
  | { message: Message; position: number }
  | { patient: Patient }
  | { reject: Reject }
  | { warning: Reject }
);

/**
 * A file format. A new one is a module in formats/ and a line in formats/index.ts, nothing else.
 */
export interface Format {
  name: string;
  /** What a position counts: line, row, element, segment. */
  unit: string;
  /** Files of a lower rank are loaded first, because others refer to them. */
  rank: number;
  /** Whether the decompressed content that starts with these bytes is of this format. */
  detect(head: Buffer): boolean;
  /**
   * Reads every record once, in the order of the file, from `resume` on where that is given. Throws Refusal where the
   * file as a whole cannot be taken.
   */
  read(file: InputFile, resume?: Resume): AsyncIterable<Entry>;
}

/** The file as a whole is not taken, or not read on; the message says why and what to do. */
export class Refusal extends Error {}
