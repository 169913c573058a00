import type { Claim } from '../claims/schema.ts';
import { allowed, dollars, type GeneratedClaim, total } from './claim.ts';

/** The canonical claim. */
export function canonical(generated: GeneratedClaim): Claim {
  const { number, patient, payer, clinic, date, diagnoses, lines, denied } = generated;
  const period = { start: date, end: date };
  return {
    identifier: { system: `urn:npi:${clinic.npi}`, value: number },
    type: 'professional',
    use: 'claim',
    status: denied ? 'denied' : 'paid',
    created: date,
    patient: {
      system: `urn:x12:member:${payer.id}`,
      id: patient.id,
      name: { family: patient.family.toUpperCase(), given: patient.given.toUpperCase() },
      birthDate: patient.birthDate,
      gender: patient.gender,
    },
    insurer: payer,
    provider: { id: clinic.npi, npi: clinic.npi, name: clinic.name },
    billablePeriod: period,
    diagnosis: diagnoses.map((code, index) => ({
      sequence: index + 1,
      ...(index === 0 && { type: 'principal' }),
      system: 'ICD-10-CM',
      code,
    })),
    procedure: [],
    item: lines.map((line, index) => ({
      sequence: index + 1,
      servicedPeriod: period,
      productOrService: { system: 'HCPCS', code: line.code },
      location: '11',
      quantity: '1',
      diagnosis: [diagnoses[0] as string],
      charge: dollars(line.charge),
      allowed: dollars(allowed(line)),
      paid: dollars(line.paid),
    })),
    total: {
      charge: dollars(total(generated, 'charge')),
      allowed: dollars(total(generated, 'paid') + total(generated, 'copay')),
      paid: dollars(total(generated, 'paid')),
      patientResponsibility: dollars(total(generated, 'copay')),
    },
  };
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function cmsDate(date: string): string {
  const [year, month, day] = date.split('-');
  return `${day}-${months[Number(month) - 1]}-${year}`;
}

const rifColumns = (
  'DML_IND|BENE_ID|CLM_ID|CLM_GRP_ID|FINAL_ACTION|NCH_CLM_TYPE_CD|CLM_FROM_DT|CLM_THRU_DT|CARR_NUM|CARR_CLM_PMT_DNL_CD|' +
  'CLM_PMT_AMT|NCH_CARR_CLM_SBMTD_CHRG_AMT|NCH_CARR_CLM_ALOWD_AMT|PRNCPAL_DGNS_CD|PRNCPAL_DGNS_VRSN_CD|ICD_DGNS_CD1|' +
  'ICD_DGNS_VRSN_CD1|ICD_DGNS_CD2|ICD_DGNS_VRSN_CD2|CARR_CLM_BLG_NPI_NUM|LINE_NUM|PRF_PHYSN_NPI|LINE_PLACE_OF_SRVC_CD|' +
  'LINE_1ST_EXPNS_DT|LINE_LAST_EXPNS_DT|HCPCS_CD|LINE_SRVC_CNT|LINE_SBMTD_CHRG_AMT|LINE_ALOWD_CHRG_AMT|LINE_NCH_PMT_AMT'
).split('|');

/** A carrier file of CMS's layout, a row a claim line. */
export function* writeRif(claims: Iterable<GeneratedClaim>): Generator<string> {
  yield `${rifColumns.join('|')}\n`;
  for (const claim of claims) {
    const { patient, date, diagnoses, clinic, lines } = claim;
    const [first = '', second = ''] = diagnoses;
    const day = cmsDate(date);
    const head = [
      'INSERT',
      patient.id,
      claim.number,
      claim.number,
      'Y',
      '71',
      day,
      day,
      claim.payer.id,
      claim.denied ? '0' : '1',
      dollars(total(claim, 'paid')),
      dollars(total(claim, 'charge')),
      dollars(total(claim, 'paid') + total(claim, 'copay')),
      first,
      '0',
      first,
      '0',
      second,
      second && '0',
      clinic.npi,
    ].join('|');
    yield lines
      .map((line, index) =>
        [
          head,
          index + 1,
          clinic.npi,
          '11',
          day,
          day,
          line.code,
          '1',
          dollars(line.charge),
          dollars(allowed(line)),
          `${dollars(line.paid)}\n`,
        ].join('|'),
      )
      .join('');
  }
}

const coding = (system: string, code: string) => ({ coding: [{ system, code }] });
const adjudicated = (code: string, cents: number) => ({
  category: coding('http://terminology.hl7.org/CodeSystem/adjudication', code),
  amount: { value: cents / 100, currency: 'USD' },
});
const c4bb = 'http://hl7.org/fhir/us/carin-bb/CodeSystem';

/** A CARIN Blue Button professional ExplanationOfBenefit a line. */
export function fhirLine(claim: GeneratedClaim): string {
  const { number, clinic, payer, patient, date, diagnoses, lines, denied } = claim;
  return `${JSON.stringify({
    resourceType: 'ExplanationOfBenefit',
    id: number,
    meta: {
      profile: [
        'http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB-ExplanationOfBenefit-Professional-NonClinician',
      ],
    },
    identifier: [{ type: coding(`${c4bb}/C4BBIdentifierType`, 'uc'), system: `urn:npi:${clinic.npi}`, value: number }],
    status: 'active',
    type: coding('http://terminology.hl7.org/CodeSystem/claim-type', 'professional'),
    use: 'claim',
    patient: { reference: `Patient/${patient.id}` },
    billablePeriod: { start: date, end: date },
    created: date,
    insurer: { identifier: { system: 'urn:example:payer', value: payer.id }, display: payer.name },
    provider: { identifier: { system: 'http://hl7.org/fhir/sid/us-npi', value: clinic.npi }, display: clinic.name },
    outcome: 'complete',
    diagnosis: diagnoses.map((code, index) => ({
      sequence: index + 1,
      diagnosisCodeableConcept: coding('http://hl7.org/fhir/sid/icd-10-cm', code),
      type: [coding('http://terminology.hl7.org/CodeSystem/ex-diagnosistype', index === 0 ? 'principal' : 'other')],
    })),
    item: lines.map((line, index) => ({
      sequence: index + 1,
      diagnosisSequence: [1],
      productOrService: coding('http://www.ama-assn.org/go/cpt', line.code),
      servicedDate: date,
      locationCodeableConcept: coding('https://www.cms.gov/Medicare/Coding/place-of-service-codes', '11'),
      quantity: { value: 1 },
      adjudication: [
        adjudicated('submitted', line.charge),
        adjudicated('eligible', allowed(line)),
        adjudicated('benefit', line.paid),
      ],
    })),
    adjudication: [
      {
        category: coding(`${c4bb}/C4BBAdjudicationDiscriminator`, 'benefitpaymentstatus'),
        reason: coding(`${c4bb}/C4BBPayerAdjudicationStatus`, denied ? 'denied' : 'innetwork'),
      },
    ],
    total: [
      adjudicated('submitted', total(claim, 'charge')),
      adjudicated('eligible', total(claim, 'paid') + total(claim, 'copay')),
      adjudicated('benefit', total(claim, 'paid')),
      adjudicated('memberliability', total(claim, 'copay')),
    ],
  })}\n`;
}
