import { useEffect, useRef, useState } from 'preact/hooks';
import type { FieldError } from './api.ts';
import { choices, cleanFilters, type FilterName, type Filters, filterLabels, filterNames } from './filters.ts';
import { formatInstant, fromLocalInput, toLocalInput } from './instant.ts';

interface ClaimFiltersProps {
  applied: Filters;
  errors: FieldError[];
  apply(filters: Filters): void;
}

export function ClaimFilters({ applied, errors, apply }: ClaimFiltersProps) {
  const [draft, setDraft] = useState(applied);
  const panel = useRef<HTMLDetailsElement>(null);
  const [openAtFirst] = useState(() => matchMedia('(min-width: 56rem)').matches);
  const key = JSON.stringify(applied);
  // Keyed by content: equal filters are another object after each navigation.
  useEffect(() => setDraft(applied), [key]);

  const messages = new Map(errors.map(({ field, message }) => [field, message]));
  useEffect(() => {
    if (panel.current && errors.length > 0) panel.current.open = true;
  }, [errors]);

  function submit(event: Event) {
    event.preventDefault();
    apply(cleanFilters((name) => draft[name]));
  }

  const active = filterNames.flatMap((name) => (applied[name] === undefined ? [] : [[name, applied[name]] as const]));
  return (
    <>
      <details class="filters" ref={panel} open={openAtFirst}>
        <summary>Filters{active.length > 0 && <span class="count">{active.length}</span>}</summary>
        <form onSubmit={submit} noValidate>
          {filterNames.map((name) => (
            <Field
              key={name}
              name={name}
              value={draft[name] ?? ''}
              error={messages.get(name)}
              change={(value) => setDraft((before) => ({ ...before, [name]: value }))}
            />
          ))}
          <div class="actions">
            <button type="submit" class="primary">
              Apply
            </button>
            <button type="button" onClick={() => apply({})}>
              Clear
            </button>
          </div>
        </form>
      </details>
      {active.length > 0 && (
        <ul class="chips" aria-label="Filters in effect">
          {active.map(([name, value]) => (
            <li key={name}>
              {filterLabels[name]} <b>{name === 'updatedSince' ? formatInstant(value) : value}</b>
              <button
                type="button"
                aria-label={`Remove the filter ${filterLabels[name]}`}
                onClick={() => apply(cleanFilters((other) => (other === name ? '' : applied[other])))}
              >
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

interface FieldProps {
  name: FilterName;
  value: string;
  error: string | undefined;
  change(value: string): void;
}

function Field({ name, value, error, change }: FieldProps) {
  const id = `filter-${name}`;
  const shared = {
    id,
    name,
    'aria-invalid': error !== undefined,
    'aria-describedby': error === undefined ? undefined : `${id}-error`,
  };
  return (
    <div class="field">
      <label for={id}>{filterLabels[name]}</label>
      {name === 'type' || name === 'status' ? (
        <select {...shared} value={value} onChange={(event) => change(event.currentTarget.value)}>
          <option value="">Any</option>
          {withCurrent(choices[name], value).map((choice) => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      ) : name === 'updatedSince' ? (
        <input
          {...shared}
          type="datetime-local"
          step="any"
          value={toLocalInput(value)}
          onChange={(event) => change(fromLocalInput(event.currentTarget.value))}
        />
      ) : name === 'serviceFrom' || name === 'serviceTo' ? (
        <input {...shared} type="date" value={value} onChange={(event) => change(event.currentTarget.value)} />
      ) : (
        <input
          {...shared}
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          value={value}
          onInput={(event) => change(event.currentTarget.value)}
        />
      )}
      {error !== undefined && (
        <p class="field-error" id={`${id}-error`}>
          {error}
        </p>
      )}
    </div>
  );
}

/** A link may carry a value that is no choice: it is shown, beside what the service says of it. */
function withCurrent(values: readonly string[], current: string): readonly string[] {
  return current === '' || values.includes(current) ? values : [current, ...values];
}
