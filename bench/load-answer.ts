import type { Asked } from './load.ts';

interface Claim {
  id: string;
  type: string;
  status: string;
  patient: { id: string };
  billablePeriod: { start: string };
}

/** What is wrong with a body; undefined where it answers the question. */
export function faultOf(text: string, path: string, kind: NonNullable<Asked['body']>): string | undefined {
  const { pathname, searchParams } = new URL(path, 'http://localhost');
  if (kind === 'claim') {
    const { id } = JSON.parse(text) as Claim;
    return pathname.endsWith(`/${id}`) ? undefined : `the claim ${id} instead`;
  }
  const { claims } = JSON.parse(text) as { claims: Claim[] };
  if (kind === 'page' ? claims.length !== 25 : claims.length === 0 || claims.length > 25) {
    return `${claims.length} claims`;
  }
  const all = (name: string, fits: (claim: Claim, wanted: string) => boolean) => {
    const wanted = searchParams.get(name);
    return wanted === null || claims.every((claim) => fits(claim, wanted));
  };
  const right =
    all('patient', ({ patient }, wanted) => patient.id === wanted) &&
    all('type', ({ type }, wanted) => type === wanted) &&
    all('status', ({ status }, wanted) => status === wanted) &&
    all('serviceFrom', ({ billablePeriod }, wanted) => billablePeriod.start >= wanted) &&
    all('serviceTo', ({ billablePeriod }, wanted) => billablePeriod.start <= wanted) &&
    claims.every(({ billablePeriod: { start } }, place) => start <= (claims[place - 1]?.billablePeriod.start ?? start));
  return right ? undefined : 'claims that were not asked for';
}
