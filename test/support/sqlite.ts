import { DatabaseSync } from 'node:sqlite';

/** A SQLite file of one claim, whose format does not say which system numbered it. */
export function sqliteClaims(): Buffer {
  const database = new DatabaseSync(':memory:');
  database.exec(`
    create table claims (claim_id text, patient_id text, service_date text, amount real);
    insert into claims values ('C-1', 'P-1', '2024-02-29', 100)`);
  const image = Buffer.from(database.serialize());
  database.close();
  return image;
}
