import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Cursors, type Place } from '../../src/claims/cursor.ts';

const cursors = new Cursors(Buffer.from('a secret of the test'));
const place: Place = { serviceDate: '2024-03-18', arrival: '4711' };
const question = '["-serviceDate"]';
const cursor = cursors.encode(place, question);
const bytes = Buffer.from(cursor, 'base64url');

describe('a cursor', () => {
  it.each<Place>([
    place,
    { serviceDate: '0001-01-01', arrival: '1' },
    { serviceDate: '9999-12-31', arrival: '999999999999999999' },
  ])('leads back to its place %j', (place) => {
    expect(cursors.decode(cursors.encode(place, question), question)).toEqual(place);
  });

  it('can stand in an address as it is', () => {
    expect(cursor).toMatch(/^[\w-]{1,200}$/);
  });

  it('is good with every replica that has the secret', () => {
    expect(new Cursors(Buffer.from('a secret of the test')).decode(cursor, question)).toEqual(place);
  });
});

describe('a cursor is told from a good one that', () => {
  it.each<[string, string, string]>([
    ['is of another question', cursor, '["serviceDate"]'],
    ['is of no question', cursor, ''],
    ['is of a question that continues the other', cursor, `${question}x`],
    ['is of another secret', new Cursors(Buffer.from('another')).encode(place, question), question],
    ['is empty', '', question],
    ['is its signature alone', bytes.subarray(0, 16).toString('base64url'), question],
    ['lacks its signature', bytes.subarray(16).toString('base64url'), question],
    ['is longer', Buffer.concat([bytes, Buffer.from('0')]).toString('base64url'), question],
    ['stands twice', Buffer.concat([bytes, bytes]).toString('base64url'), question],
    ['is signed and no place', cursors.encode({ serviceDate: '2024-02-30', arrival: '1' }, question), question],
    ...['0', '-1', '01', '1e9', '1234567890123456789', '5e130059062c8ff081a66cf7cee76c89', 'x'].map(
      (arrival): [string, string, string] => [
        `is signed and has the number ${arrival}`,
        cursors.encode({ serviceDate: '2024-02-28', arrival }, question),
        question,
      ],
    ),
  ])('%s', (_what, cursor, question) => {
    expect(cursors.decode(cursor, question)).toBeUndefined();
  });

  it('has any bit of any byte flipped', () => {
    for (let index = 0; index < bytes.length; index += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const flipped = Buffer.from(bytes);
        flipped[index] = (bytes[index] as number) ^ (1 << bit);
        expect(cursors.decode(flipped.toString('base64url'), question), `bit ${bit} of byte ${index}`).toBeUndefined();
      }
    }
  });

  it('is cut anywhere', () => {
    for (let length = 0; length < bytes.length; length += 1) {
      expect(cursors.decode(bytes.subarray(0, length).toString('base64url'), question), `${length}`).toBeUndefined();
    }
  });

  it('moves the end of its place into the question', () => {
    const moved = bytes.subarray(0, -1).toString('base64url');
    expect(cursors.decode(moved, `${bytes.toString('latin1').slice(-1)}${question}`)).toBeUndefined();
  });

  it('is any garbage', () => {
    for (const text of ['=', '\0', '\ud800', '%00', '\u{1f600}'.repeat(50), 'null', '{}', ' ', 'a'.repeat(100_000)]) {
      expect(cursors.decode(text, question)).toBeUndefined();
    }
    for (let length = 0; length < 200; length += 1) {
      expect(cursors.decode(randomBytes(length).toString('base64url'), question)).toBeUndefined();
      expect(cursors.decode(randomBytes(length).toString('latin1'), question)).toBeUndefined();
    }
  });
});
