import { codeSystems } from '../../claims/codes.ts';
import { type Json, type JsonObject, listOf, objectOf, textOf } from './fhir-json.ts';

/** The short names of code systems whose URIs FHIR resources carry; others keep their URI. */
const systems = new Map<string, string>([
  ['http://hl7.org/fhir/sid/icd-10-cm', codeSystems.diagnosis10],
  ['http://hl7.org/fhir/sid/icd-10', codeSystems.diagnosis10],
  ['http://hl7.org/fhir/sid/icd-9-cm', codeSystems.diagnosis9],
  ['http://hl7.org/fhir/sid/icd-9-cm/diagnosis', codeSystems.diagnosis9],
  ['http://hl7.org/fhir/sid/icd-9-cm/procedure', codeSystems.procedure9],
  ['http://www.cms.gov/Medicare/Coding/ICD10', codeSystems.procedure10],
  ['http://www.cms.gov/medicare/coding/icd10', codeSystems.procedure10],
  ['http://hl7.org/fhir/sid/icd-10-pcs', codeSystems.procedure10],
  ['http://www.cms.gov/Medicare/Coding/ICD9', codeSystems.procedure9],
  ['http://terminology.hl7.org/CodeSystem/icd9cm', codeSystems.diagnosis9],
  ['urn:oid:2.16.840.1.113883.6.90', codeSystems.diagnosis10],
  ['urn:oid:2.16.840.1.113883.6.103', codeSystems.diagnosis9],
  ['urn:oid:2.16.840.1.113883.6.104', codeSystems.procedure9],
  ['urn:oid:2.16.840.1.113883.6.4', codeSystems.procedure10],
  ['urn:oid:2.16.840.1.113883.6.12', codeSystems.hcpcs],
  ['urn:oid:2.16.840.1.113883.6.285', codeSystems.hcpcs],
  ['urn:oid:2.16.840.1.113883.6.69', codeSystems.ndc],
  ['http://www.ama-assn.org/go/cpt', codeSystems.hcpcs],
  ['https://codesystem.x12.org/005010/1365', codeSystems.hcpcs],
  ['https://bluebutton.cms.gov/resources/codesystem/hcpcs', codeSystems.hcpcs],
  ['https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets', codeSystems.hcpcs],
  ['http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets', codeSystems.hcpcs],
  ['http://hl7.org/fhir/sid/ndc', codeSystems.ndc],
  ['http://www.nlm.nih.gov/research/umls/rxnorm', 'RxNorm'],
  ['http://www.ada.org/cdt', 'CDT'],
  ['http://snomed.info/sct', 'SNOMED CT'],
  [
    'https://www.cms.gov/Medicare/Medicare-Fee-for-Service-Payment/AcuteInpatientPPS/MS-DRG-Classifications-and-Software',
    codeSystems.drg,
  ],
  ['https://bluebutton.cms.gov/resources/variables/clm_drg_cd', codeSystems.drg],
  ['https://x12.org/codes/claim-adjustment-reason-codes', 'CARC'],
  ['http://terminology.hl7.org/CodeSystem/X12ClaimAdjustmentReasonCodes', 'CARC'],
  ['https://x12.org/codes/remittance-advice-remark-codes', 'RARC'],
  ['http://terminology.hl7.org/CodeSystem/X12RemittanceAdviceRemarkCodes', 'RARC'],
]);

const nubc = /^https?:\/\/www\.nubc\.org\//;

export const systemName = (uri: string) => systems.get(uri) ?? (nubc.test(uri) ? codeSystems.nubc : uri.slice(0, 100));

export interface Coding {
  system: string;
  code: string;
}

/** The codings of a CodeableConcept that have a code. */
export function codings(concept: Json | undefined): Coding[] {
  return listOf(objectOf(concept).coding).flatMap((coding) => {
    const code = textOf(coding.code, 300);
    return code ? [{ system: textOf(coding.system, 300) ?? '', code }] : [];
  });
}

/** The coding that a claim shows: of a system that has a name here, else the first. */
export function coded(concept: Json | undefined): Coding | undefined {
  const all = codings(concept);
  const best = all.find(({ system }) => systems.has(system) || nubc.test(system)) ?? all[0];
  return best && { system: systemName(best.system) || 'unknown', code: best.code.slice(0, 50) };
}

/** A code alone, the one of HL7's or CARIN's systems before others. */
export function codeOf(concept: Json | undefined): string | undefined {
  const all = codings(concept);
  const best = all.find(({ system }) => /hl7\.org|carin/i.test(system)) ?? all[0];
  return best?.code;
}

const referenceText = (reference: Json | undefined) =>
  textOf(objectOf(reference).reference, 500)?.replace(/\/_history\/[^/]*$/, '');

/** The identifier in a conditional reference: Practitioner?identifier=system|value. */
export function searchedIdentifier(reference: Json | undefined): { system: string; value: string } | undefined {
  const text = referenceText(reference)?.replaceAll(/%7c/gi, '|');
  const [, system = '', value] = /\?identifier=(?:([^|&]*)\|)?([^|&]+)/.exec(text ?? '') ?? [];
  return value === undefined ? undefined : { system, value };
}

/** The part of a reference behind its last slash or hash; of a conditional one, the identifier. */
export function referenceId(reference: Json | undefined): string | undefined {
  return (
    searchedIdentifier(reference)?.value ??
    referenceText(reference)
      ?.replace(/^urn:(?:uuid|oid):/, '')
      .split(/[/#]/)
      .at(-1)
  );
}

/** Whom a reference means: what is contained is known by its identifier, since its id means nothing elsewhere. */
export function referredId(reference: Json | undefined, find: References): string | undefined {
  const found = find(reference);
  const known = isContained(reference) ? textOf(listOf(found?.identifier)[0]?.value, 100) : textOf(found?.id, 100);
  return known ?? referenceId(reference)?.slice(0, 100);
}

const isContained = (reference: Json | undefined) => referenceText(reference)?.startsWith('#') ?? false;

export type References = (reference: Json | undefined) => JsonObject | undefined;

/** Resources that a claim may refer to: its contained ones, then those of its bundle. */
export function references(resource: JsonObject, bundled: ReadonlyMap<string, JsonObject>): References {
  const contained = new Map(listOf(resource.contained).map((one) => [textOf(one.id, 100) ?? '', one]));
  return (reference) => {
    const text = referenceText(reference);
    if (text === undefined) return undefined;
    if (isContained(reference)) return contained.get(text.slice(1));
    return bundled.get(text) ?? bundled.get(text.split('/').slice(-2).join('/'));
  };
}

/** What the references to the resource of a Bundle's entry can say: ids alone are of one type of resource only. */
export function entryKeys({ fullUrl, resource }: JsonObject): string[] {
  const { resourceType, id } = objectOf(resource);
  return [...(id ? [`${resourceType}/${id}`, `urn:uuid:${id}`] : []), ...(fullUrl ? [String(fullUrl)] : [])];
}
