import { codeSystems } from '../../claims/codes.ts';
import { isDate } from '../../claims/date.ts';
import { Fault } from '../../claims/render.ts';
import { type Claim, type ClaimStatus, type ClaimType, claimTypes, genders } from '../../claims/schema.ts';
import { coded, codeOf, codings, type References, references, referredId, searchedIdentifier } from './fhir-codes.ts';
import { type Json, type JsonObject, listOf, objectOf, textOf } from './fhir-json.ts';
import { adjudications, amountOf, hasFraction, moneyOf, totalOf } from './fhir-money.ts';

type Period = Claim['billablePeriod'];

/**
 * From an R4 ExplanationOfBenefit to the claim, by the profiles of CARIN Blue Button and of CMS's Blue Button 2.0. The
 * resource itself is the claim's source, whole. Throws Fault, whose field is the element's path; adds to `inexact` those
 * of amounts that are not taken.
 */
export function claimOf(
  resource: JsonObject,
  bundled: ReadonlyMap<string, JsonObject>,
  source: string | undefined,
  inexact: string[],
): Claim {
  const find = references(resource, bundled);
  const { identifier, otherIdentifier } = identifiersOf(resource, source);
  const diagnosis = diagnosesOf(resource, find);
  const item = itemsOf(resource, diagnosis, find, inexact);
  const billablePeriod = billable(resource, item);
  const adjudication = adjudications(resource.adjudication, 'adjudication', inexact).list;
  const payment = paymentOf(resource, inexact);
  const total = totalOf(resource, item, payment?.amount);
  const insurer = insurerOf(resource, find);
  const provider = providerOf(resource.provider, find) ?? providerOf(resource.facility, find);
  const careTeam = listOf(resource.careTeam).flatMap((member) => {
    const id = npiOf(member.provider, find) ?? referredId(member.provider, find);
    return id ? [{ role: (codeOf(member.role) ?? 'other').slice(0, 50), id: id.slice(0, 100) }] : [];
  });
  const subType = codeOf(resource.subType)?.slice(0, 50) ?? subTypeOf(resource);
  const created = dayOf(resource.created, 'created');
  const supportingInfo = supportingInfoOf(resource);
  const use = textOf(resource.use, 20);
  return {
    identifier,
    ...(otherIdentifier.length > 0 && { otherIdentifier }),
    type: typeOf(resource),
    ...(subType && { subType }),
    use: use === 'preauthorization' || use === 'predetermination' ? use : 'claim',
    status: statusOf(resource),
    ...(created && { created }),
    patient: patientOf(resource, find),
    ...(insurer && { insurer }),
    ...(provider && { provider }),
    ...(careTeam.length > 0 && { careTeam }),
    billablePeriod,
    diagnosis,
    procedure: proceduresOf(resource, find),
    ...(supportingInfo.length > 0 && { supportingInfo }),
    item,
    ...(adjudication.length > 0 && { adjudication }),
    total,
    ...(payment && { payment }),
    source: resource,
  };
}

/** Numbers that Blue Button 2.0 gives a claim: the same as in CMS's files, so that both are one claim. */
const claimNumber = /^https:\/\/bluebutton\.cms\.gov\/resources\/variables\/(?:clm_id|pde_id)$/;

function identifiersOf(resource: JsonObject, source: string | undefined) {
  const all = listOf(resource.identifier).flatMap((one) => {
    const value = textOf(one.value, 101);
    const system = textOf(one.system, 200);
    return value ? [{ type: codeOf(one.type), system, value }] : [];
  });
  const main =
    all.find(({ system }) => system && claimNumber.test(system)) ??
    all.find(({ type, system }) => type === 'uc' && system) ??
    all.find(({ type }) => type === 'uc') ??
    all.find(({ system }) => system);
  const id = textOf(resource.id, 101);
  const value = main?.value ?? id;
  if (value === undefined)
    throw new Fault('identifier', 'expected an identifier with a system and a value, or an id; found neither');
  if (all.some((one) => one.value.length > 100) || value.length > 100) {
    throw new Fault('identifier', 'expected values of at most 100 characters');
  }
  const system =
    main?.system ?? source ?? textOf(objectOf(resource.meta).source, 200) ?? 'urn:fhir:ExplanationOfBenefit';
  const otherIdentifier = all
    .filter((one) => one !== main)
    .map((one) => ({
      type: (one.type ?? one.system?.split('/').at(-1) ?? 'other').slice(0, 50) || 'other',
      ...(one.system && { system: one.system }),
      value: one.value,
    }));
  return { identifier: { system, value }, otherIdentifier };
}

function typeOf({ type }: JsonObject): ClaimType {
  const codes = codings(type).map(({ code }) => code);
  const found = claimTypes.find((known) => codes.includes(known));
  if (found) return found;
  if (codes.includes('dental')) return 'oral';
  throw new Fault('type', `expected one of the claim types ${claimTypes.join(', ')}, found another`);
}

/** Blue Button 2.0 says carrier, inpatient, pde, … in the type. */
function subTypeOf({ type }: JsonObject): string | undefined {
  return codings(type)
    .find(({ system }) => system.endsWith('/eob-type'))
    ?.code.toLowerCase()
    .slice(0, 50);
}

function statusOf(resource: JsonObject): ClaimStatus {
  const status = textOf(resource.status, 20);
  if (status === 'cancelled' || status === 'entered-in-error') return 'cancelled';
  if (status === 'draft') return 'submitted';
  if (status !== 'active')
    throw new Fault('status', 'expected active, cancelled, draft or entered-in-error, found another');
  // Blue Button's version 3: another claim of the group took its place.
  const tags = listOf(objectOf(resource.meta).tag);
  if (tags.some(({ system, code }) => String(system).endsWith('/Final-Action') && code === 'NotFinalAction')) {
    return 'replaced';
  }
  const outcome = textOf(resource.outcome, 20);
  if (outcome === 'error') return 'rejected';
  if (outcome === 'queued' || outcome === 'partial') return 'pending';
  const denied = listOf(resource.adjudication).some(
    ({ category, reason }) => codeOf(category) === 'benefitpaymentstatus' && codeOf(reason) === 'denied',
  );
  return denied ? 'denied' : 'paid';
}

function patientOf(resource: JsonObject, find: References): Claim['patient'] {
  const patient = find(resource.patient);
  const id = referredId(resource.patient, find) ?? textOf(objectOf(objectOf(resource.patient).identifier).value, 100);
  if (!id) throw new Fault('patient', 'expected a reference to the patient, found none');
  const birthDate = textOf(patient?.birthDate, 10);
  const gender = genders.find((known) => known === patient?.gender);
  const [name] = listOf(patient?.name);
  const family = textOf(name?.family, 200);
  const given = Array.isArray(name?.given) ? name.given.join(' ').slice(0, 200) : undefined;
  return {
    // The patients of Blue Button are those of CMS's files.
    ...(listOf(resource.identifier).some((one) => claimNumber.test(textOf(one.system, 200) ?? '')) && {
      system: 'https://bluebutton.cms.gov/resources/variables/bene_id',
    }),
    id: id.slice(0, 100),
    ...((family || given) && { name: { ...(family && { family }), ...(given && { given }) } }),
    ...(birthDate && isDate(birthDate) && { birthDate }),
    ...(gender && { gender }),
  };
}

const npiSystem = 'http://hl7.org/fhir/sid/us-npi';

function npiOf(reference: Json | undefined, find: References): string | undefined {
  const own = objectOf(objectOf(reference).identifier);
  const all = [own, searchedIdentifier(reference) ?? {}, ...listOf(find(reference)?.identifier)];
  return textOf(all.find(({ system }) => system === npiSystem)?.value, 100);
}

function nameOf(reference: Json | undefined, find: References): string | undefined {
  const found = find(reference);
  const [person] = listOf(found?.name);
  const given = Array.isArray(person?.given) ? person.given : [];
  return (
    textOf(objectOf(reference).display, 200) ??
    textOf(found?.name, 200) ??
    textOf(person?.text, 200) ??
    textOf([...given, person?.family ?? ''].join(' '), 200)
  );
}

function providerOf(reference: Json | undefined, find: References): Claim['provider'] {
  const npi = npiOf(reference, find);
  const name = nameOf(reference, find);
  const id =
    npi ??
    textOf(objectOf(objectOf(reference).identifier).value, 100) ??
    referredId(reference, find) ??
    name?.slice(0, 100);
  if (!id) return undefined;
  return { id, ...(npi && /^\d{10}$/.test(npi) && { npi }), ...(name && { name }) };
}

function insurerOf(resource: JsonObject, find: References): Claim['insurer'] {
  const { insurer } = resource;
  const name = nameOf(insurer, find);
  const id =
    textOf(objectOf(objectOf(insurer).identifier).value, 100) ??
    referredId(insurer, find) ??
    contractOf(resource) ??
    name?.slice(0, 100);
  if (!id) return undefined;
  return { id, ...(name && { name }) };
}

/** A Part D event of Blue Button 2.0 names its plan in an extension of the coverage. */
function contractOf(resource: JsonObject): string | undefined {
  for (const { coverage } of listOf(resource.insurance)) {
    for (const { url, valueIdentifier } of listOf(objectOf(coverage).extension)) {
      if (String(url).endsWith('/plan_cntrct_rec_id')) return textOf(objectOf(valueIdentifier).value, 100);
    }
  }
  return undefined;
}

/** The day of a date or of a time; undefined where there is none, as in a date that is a year or a month. */
function dayOf(value: Json | undefined, field: string): string | undefined {
  const text = textOf(value, 40);
  if (text === undefined || isPartial(text)) return undefined;
  const day = text.slice(0, 10);
  if (!isDate(day)) throw new Fault(field, 'expected a day of the calendar as yyyy-mm-dd');
  return day;
}

const isPartial = (text: string) => /^\d{4}(?:-\d\d)?$/.test(text);

/** A period from and to a year or month has the first and the last day of it. */
function periodOf(value: Json | undefined, field: string): Period | undefined {
  const bound = (name: 'start' | 'end') => {
    const text = textOf(objectOf(value)[name], 40);
    if (text === undefined || !isPartial(text)) return dayOf(text, `${field}.${name}`);
    const [year, month] = text.split('-').map(Number) as [number, number?];
    const [first, last] = [month ?? 1, month ?? 12];
    const day = name === 'start' ? `${first}-1` : `${last}-${new Date(Date.UTC(year, last, 0)).getUTCDate()}`;
    return dayOf(`${text.slice(0, 4)}-${day.replaceAll(/\b\d\b/g, '0$&')}`, `${field}.${name}`);
  };
  const start = bound('start');
  const end = bound('end');
  const first = start ?? end;
  return first ? { start: first, end: end ?? first } : undefined;
}

function billable(resource: JsonObject, item: Claim['item']): Period {
  const period = periodOf(resource.billablePeriod, 'billablePeriod');
  if (period) return period;
  const served = item.flatMap(({ servicedPeriod }) => servicedPeriod ?? []);
  if (served.length === 0) {
    throw new Fault('billablePeriod', 'expected the period of service, or the date of an item; found neither');
  }
  return {
    start: served.map(({ start }) => start).sort()[0] as string,
    end: served
      .map(({ end }) => end)
      .sort()
      .at(-1) as string,
  };
}

function sequenceOf(value: Json | undefined, field: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > 999999) {
    throw new Fault(`${field}.sequence`, 'expected a whole number from 1 to 999999');
  }
  return value;
}

function diagnosesOf(resource: JsonObject, find: References): Claim['diagnosis'] {
  return listOf(resource.diagnosis).flatMap((one, index) => {
    const field = `diagnosis[${index}]`;
    const code = coded(one.diagnosisCodeableConcept ?? find(one.diagnosisReference)?.code);
    if (code === undefined) return [];
    const types = listOf(one.type).flatMap((type) => codeOf(type) ?? []);
    const type = types.find((known) => known !== 'other' && known !== 'secondary') ?? undefined;
    const onAdmission = codeOf(one.onAdmission)?.slice(0, 10);
    return [
      {
        sequence: sequenceOf(one.sequence, field),
        ...(type && { type: type.slice(0, 50) }),
        ...code,
        ...(onAdmission && { onAdmission }),
      },
    ];
  });
}

/** FHIR has one URI for both volumes of ICD-9-CM, and sources use that of ICD-10 for its procedures too. */
const procedureSystems = new Map<string, string>([
  [codeSystems.diagnosis9, codeSystems.procedure9],
  [codeSystems.diagnosis10, codeSystems.procedure10],
]);

function proceduresOf(resource: JsonObject, find: References): Claim['procedure'] {
  return listOf(resource.procedure).flatMap((one, index) => {
    const field = `procedure[${index}]`;
    const code = coded(one.procedureCodeableConcept ?? find(one.procedureReference)?.code);
    if (code === undefined) return [];
    const date = dayOf(one.date, `${field}.date`);
    const system = procedureSystems.get(code.system) ?? code.system;
    return [{ sequence: sequenceOf(one.sequence, field), ...code, system, ...(date && { date }) }];
  });
}

/** CARIN's categories by the names that the other formats use. */
const categories = new Map([
  ['drg', 'ms-drg'],
  ['clm_drg_cd', 'ms-drg'],
  ['discharge-status', 'discharge-status'],
  ['ptnt_dschrg_stus_cd', 'discharge-status'],
  ['admtype', 'admission-type'],
  ['clm_ip_admsn_type_cd', 'admission-type'],
  ['pointoforigin', 'admission-source'],
  ['clm_src_ip_admsn_cd', 'admission-source'],
  ['admissionperiod', 'admission-period'],
  ['typeofbill', 'type-of-bill'],
  ['dayssupply', 'days-supply'],
  ['refillnum', 'refill-number'],
  ['brandgenericindicator', 'brand-generic'],
  ['brnd_gnrc_cd', 'brand-generic'],
  ['dawcode', 'dispense-as-written'],
  ['daw_prod_slctn_cd', 'dispense-as-written'],
  ['compoundcode', 'compound'],
]);

function supportingInfoOf(resource: JsonObject): NonNullable<Claim['supportingInfo']> {
  return listOf(resource.supportingInfo).flatMap((one, index) => {
    const field = `supportingInfo[${index}]`;
    // The last coding says most: before it stands the general one.
    const category = codings(one.category).at(-1)?.code.split('/').at(-1);
    if (category === undefined) return [];
    const code = coded(one.code);
    const day = dayOf(one.timingDate, `${field}.timingDate`);
    const period = periodOf(one.timingPeriod, `${field}.timingPeriod`) ?? (day ? { start: day, end: day } : undefined);
    const value = textOf(one.valueString, 200) ?? textOf(objectOf(one.valueQuantity).value, 200);
    if (code === undefined && period === undefined && value === undefined) return [];
    const name = categories.get(category) ?? category.slice(0, 100);
    return [
      {
        category: name,
        ...(code && (name === 'ms-drg' ? { system: codeSystems.drg, code: code.code } : code)),
        ...(period && { period }),
        ...(value && { value }),
      },
    ];
  });
}

function itemsOf(
  resource: JsonObject,
  diagnosis: Claim['diagnosis'],
  find: References,
  inexact: string[],
): Claim['item'] {
  const careTeam = new Map(listOf(resource.careTeam).map((member) => [member.sequence, member.provider]));
  return listOf(resource.item).map((one, index) => {
    const field = `item[${index}]`;
    const { list, by } = adjudications(one.adjudication, `${field}.adjudication`, inexact);
    const day = dayOf(one.servicedDate, `${field}.servicedDate`);
    const servicedPeriod = periodOf(one.servicedPeriod, `${field}.servicedPeriod`) ?? (day && { start: day, end: day });
    const revenue = codeOf(one.revenue)?.slice(0, 10);
    const productOrService = coded(one.productOrService);
    const modifier = listOf(one.modifier).flatMap((concept) => codeOf(concept)?.slice(0, 10) ?? []);
    const location = codeOf(one.locationCodeableConcept)?.slice(0, 10);
    const quantity = textOf(objectOf(one.quantity).value, 30);
    const unit = textOf(objectOf(one.quantity).unit, 10);
    const pointers = numbersOf(one.diagnosisSequence);
    const codes = diagnosis.filter(({ sequence }) => pointers.includes(sequence)).map(({ code }) => code);
    const [member] = numbersOf(one.careTeamSequence);
    const performer = careTeam.get(member ?? 0);
    const provider = npiOf(performer, find) ?? referredId(performer, find);
    return {
      sequence: sequenceOf(one.sequence, field),
      ...(servicedPeriod && { servicedPeriod }),
      ...(revenue && { revenue }),
      ...(productOrService && { productOrService }),
      ...(modifier.length > 0 && { modifier }),
      ...(location && { location }),
      ...(quantity && { quantity }),
      ...(unit && { unit }),
      ...(codes.length > 0 && { diagnosis: codes }),
      ...(provider && { provider }),
      ...moneyOf(by),
      ...(list.length > 0 && { adjudication: list }),
    };
  });
}

const numbersOf = (value: Json | undefined): number[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'number') : [];

function paymentOf(resource: JsonObject, inexact: string[]): Claim['payment'] {
  const payment = objectOf(resource.payment);
  const isInexact = hasFraction(payment.amount);
  if (isInexact) inexact.push('payment.amount.value');
  const amount = isInexact ? undefined : amountOf(payment.amount, 'payment.amount');
  const date = dayOf(payment.date, 'payment.date');
  return amount || date ? { ...(amount && { amount }), ...(date && { date }) } : undefined;
}
