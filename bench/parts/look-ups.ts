import { anyClaim, anyPatient, contest, type Part, withService } from '../bench.ts';
import { statements } from '../statements.ts';

export const id: Part = (bench) =>
  withService(bench, async (service) => {
    const row = { part: 'id', what: 'a claim by id', atLeast: 0.3 };
    await contest(bench, service, { row, question: await anyClaim(bench), statement: statements.byId, body: 'claim' });
  });

export const patient: Part = (bench) =>
  withService(bench, async (service) => {
    const row = { part: 'patient', what: "a patient's claims", atLeast: 0.3 };
    const question = await anyPatient(bench);
    await contest(bench, service, { row, question, statement: statements.byPatient, body: 'few' });
  });
