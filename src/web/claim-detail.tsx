import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Api, ClaimDetail as Claim } from './api.ts';
import { ClaimHistory } from './claim-history.tsx';
import { formatInstant } from './instant.ts';
import { formatAmount } from './money.ts';
import { claimsBy, formatHash } from './route.ts';
import { Code, Stacked, Status, Table } from './table.tsx';
import { Trouble } from './trouble.tsx';
import { useAnswer } from './use-answer.ts';

type Item = Claim['item'][number];
type Adjudication = NonNullable<Claim['adjudication']>[number];

interface ClaimDetailProps {
  api: Api;
  id: string;
  back: ComponentChildren;
}

export function ClaimDetail({ api, id, back }: ClaimDetailProps) {
  const { value, problem, loading, reload } = useAnswer(id, (signal) =>
    api.get<Claim>(`/api/claims/${encodeURIComponent(id)}`, {}, signal),
  );
  useEffect(() => {
    // The claim's number stays out of the title: browsers keep titles in their history.
    document.title = 'Claim – Claims';
  }, []);
  return (
    <>
      <p>{back}</p>
      {problem && <Trouble what="The claim could not be shown." problem={problem} retry={reload} />}
      {loading && <p role="status">Loading the claim…</p>}
      {value && <ClaimSheet claim={value} api={api} />}
    </>
  );
}

function ClaimSheet({ claim, api }: { claim: Claim; api: Api }) {
  const { patient, provider, insurer, payment, total } = claim;
  return (
    <article class="claim">
      <h1>
        Claim <Code>{claim.identifier.value}</Code> <Status status={claim.status} />
      </h1>
      <dl class="totals">
        <Fact term="Charge">{amount(total.charge)}</Fact>
        <Fact term="Allowed">{amount(total.allowed)}</Fact>
        <Fact term="Paid">{amount(total.paid)}</Fact>
        <Fact term="Patient responsibility">{amount(total.patientResponsibility)}</Fact>
      </dl>
      <dl class="facts">
        <Fact term="Type">{joined(' · ', claim.type, claim.subType)}</Fact>
        <Fact term="Use">{claim.use}</Fact>
        <Fact term="Service">
          <Period {...claim.billablePeriod} />
        </Fact>
        <Fact term="Created">{claim.created}</Fact>
        <Fact term="Patient">
          <a class="code" href={formatHash(claimsBy({ patient: patient.id }))} title="All claims of this patient">
            {patient.id}
          </a>
          {patient.name && <span class="second">{joined(', ', patient.name.family, patient.name.given)}</span>}
          {(patient.birthDate || patient.gender) && (
            <span class="second">{joined(', ', patient.birthDate && `born ${patient.birthDate}`, patient.gender)}</span>
          )}
        </Fact>
        <Fact term="Provider">
          {provider && (
            <>
              <a
                class="code"
                href={formatHash(claimsBy({ provider: provider.id }))}
                title="All claims of this provider"
              >
                {provider.id}
              </a>
              {provider.name && <span class="second">{provider.name}</span>}
              {provider.npi && provider.npi !== provider.id && <span class="second">NPI {provider.npi}</span>}
            </>
          )}
        </Fact>
        <Fact term="Payer">
          {insurer && (
            <>
              <a class="code" href={formatHash(claimsBy({ payer: insurer.id }))} title="All claims of this payer">
                {insurer.id}
              </a>
              {insurer.name && <span class="second">{insurer.name}</span>}
            </>
          )}
        </Fact>
        <Fact term="Payment">
          {payment && <Stacked first={amount(payment.amount)} second={payment.date && <time>{payment.date}</time>} />}
        </Fact>
        <Fact term="Number given by">{claim.identifier.system}</Fact>
        <Fact term="Last updated">
          <time dateTime={claim.lastUpdated}>{formatInstant(claim.lastUpdated)}</time>
        </Fact>
        <Fact term="Id">
          <Code>{claim.id}</Code>
        </Fact>
      </dl>

      <Section title="Diagnoses" count={claim.diagnosis.length}>
        <Table
          label="Diagnoses"
          sparse
          rows={claim.diagnosis}
          rowKey={({ sequence }) => sequence}
          columns={[
            { title: '#', cell: ({ sequence }) => sequence },
            { title: 'Code', cell: ({ code }) => <Code>{code}</Code> },
            { title: 'System', cell: ({ system }) => system },
            { title: 'Type', cell: ({ type }) => type },
            { title: 'On admission', cell: ({ onAdmission }) => onAdmission },
          ]}
        />
      </Section>

      <Section title="Procedures" count={claim.procedure.length}>
        <Table
          label="Procedures"
          sparse
          rows={claim.procedure}
          rowKey={({ sequence }) => sequence}
          columns={[
            { title: '#', cell: ({ sequence }) => sequence },
            { title: 'Code', cell: ({ code }) => <Code>{code}</Code> },
            { title: 'System', cell: ({ system }) => system },
            { title: 'Date', cell: ({ date }) => date && <time>{date}</time> },
          ]}
        />
      </Section>

      <Section title="Items" count={claim.item.length}>
        <Items items={claim.item} />
      </Section>

      <Section title="Adjudication of the claim" count={claim.adjudication?.length ?? 0}>
        <Adjudications of={claim.adjudication ?? []} />
      </Section>

      <Section title="Care team" count={claim.careTeam?.length ?? 0}>
        <Table
          label="Care team"
          rows={claim.careTeam ?? []}
          rowKey={({ role, id }) => `${role} ${id}`}
          columns={[
            { title: 'Role', cell: ({ role }) => role },
            { title: 'Id', cell: ({ id }) => <Code>{id}</Code> },
          ]}
        />
      </Section>

      <Section title="Supporting information" count={claim.supportingInfo?.length ?? 0}>
        <Table
          label="Supporting information"
          sparse
          rows={claim.supportingInfo ?? []}
          rowKey={(info) => JSON.stringify(info)}
          columns={[
            { title: 'Category', cell: ({ category }) => category },
            { title: 'Code', cell: ({ code }) => code && <Code>{code}</Code> },
            { title: 'System', cell: ({ system }) => system },
            { title: 'Period', cell: ({ period }) => period && <Period {...period} /> },
            { title: 'Value', cell: ({ value }) => value },
          ]}
        />
      </Section>

      <ClaimHistory api={api} id={claim.id} />

      {claim.source && <Json title="Source: what the file held besides" value={claim.source} />}
      <Json title="The claim as JSON" value={claim} />
    </article>
  );
}

function Items({ items }: { items: Item[] }) {
  return (
    <Table
      label="Items"
      sparse
      rows={items}
      rowKey={({ sequence }) => sequence}
      below={({ adjudication }) => adjudication && adjudication.length > 0 && <Adjudications of={adjudication} />}
      columns={[
        { title: '#', cell: ({ sequence }) => sequence },
        { title: 'Service', cell: ({ servicedPeriod }) => servicedPeriod && <Period {...servicedPeriod} /> },
        { title: 'Revenue', cell: ({ revenue }) => revenue && <Code>{revenue}</Code> },
        {
          title: 'Product or service',
          cell: ({ productOrService, modifier }) =>
            productOrService && (
              <span class="code" title={productOrService.system}>
                {joined(' ', productOrService.code, ...(modifier ?? []))}
              </span>
            ),
        },
        { title: 'Place', cell: ({ location }) => location },
        { title: 'Quantity', numeric: true, cell: ({ quantity }) => quantity },
        {
          title: 'Diagnosis',
          cell: ({ diagnosis }) => diagnosis && diagnosis.length > 0 && <Code>{diagnosis.join(' ')}</Code>,
        },
        { title: 'Provider', cell: ({ provider }) => provider && <Code>{provider}</Code> },
        { title: 'Charge', numeric: true, cell: ({ charge }) => amount(charge) },
        { title: 'Allowed', numeric: true, cell: ({ allowed }) => amount(allowed) },
        { title: 'Paid', numeric: true, cell: ({ paid }) => amount(paid) },
      ]}
    />
  );
}

function Adjudications({ of }: { of: Adjudication[] }) {
  return (
    <dl class="adjudication">
      {of.map(({ category, group, reason, amount: value }, index) => (
        // By index, because a category may come twice and the list never changes.
        <div key={index}>
          <dt title={reason?.system}>{joined(' ', category, joined('-', group, reason?.code))}</dt>
          <dd>{formatAmount(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function Section({ title, count, children }: { title: string; count: number; children: ComponentChildren }) {
  if (count === 0) return null;
  return (
    <section>
      <h2>
        {title}
        {count > 1 && <span class="muted"> {count}</span>}
      </h2>
      <div class="scroll">{children}</div>
    </section>
  );
}

function Fact({ term, children }: { term: string; children: ComponentChildren }) {
  if (children === undefined || children === '') return null;
  return (
    <div>
      <dt>{term}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Json({ title, value }: { title: string; value: unknown }) {
  const [open, setOpen] = useState(false);
  return (
    <details class="json" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{title}</summary>
      {open && <pre>{JSON.stringify(value, null, 2)}</pre>}
    </details>
  );
}

function amount(value: string | undefined): string | undefined {
  return value === undefined ? undefined : formatAmount(value);
}

function Period({ start, end }: { start: string; end: string }) {
  return (
    <>
      <time>{start}</time>
      {end !== start && (
        <>
          {' '}
          to <time>{end}</time>
        </>
      )}
    </>
  );
}

function joined(separator: string, ...parts: (string | undefined)[]): string {
  return parts.filter(Boolean).join(separator);
}
