import { type ComponentChildren, Fragment } from 'preact';

export interface Column<T> {
  title: string;
  cell(row: T): ComponentChildren;
  /** Amounts and counts stand at the right. */
  numeric?: boolean;
  /** In place of the title as text. */
  heading?: ComponentChildren;
  sorted?: 'ascending' | 'descending';
}

interface TableProps<T> {
  label: string;
  columns: Column<T>[];
  rows: readonly T[];
  rowKey(row: T): string | number;
  /** Leaves out the columns that no row fills. */
  sparse?: boolean;
  /** What stands under a row, over its whole width. */
  below?(row: T): ComponentChildren;
}

/** On a narrow screen each row becomes a card (app.css), in which `data-title` names the values. */
export function Table<T>({ label, columns, rows, rowKey, sparse, below }: TableProps<T>) {
  const shown = sparse ? columns.filter((column) => rows.some((row) => isFilled(column.cell(row)))) : columns;
  return (
    <table aria-label={label}>
      <thead>
        <tr>
          {shown.map((column) => (
            <th
              key={column.title}
              scope="col"
              class={column.numeric ? 'numeric' : undefined}
              aria-sort={column.sorted}
              data-plain={column.heading === undefined ? '' : undefined}
            >
              {column.heading ?? column.title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => {
          const under = below?.(row);
          return (
            <Fragment key={rowKey(row)}>
              <tr class={isFilled(under) ? 'has-below' : undefined}>
                {shown.map((column) => {
                  const content = column.cell(row);
                  return (
                    <td
                      key={column.title}
                      class={column.numeric ? 'numeric' : undefined}
                      data-title={column.title}
                      data-empty={isFilled(content) ? undefined : ''}
                    >
                      {content}
                    </td>
                  );
                })}
              </tr>
              {isFilled(under) && (
                <tr class="below">
                  <td colSpan={shown.length}>{under}</td>
                </tr>
              )}
            </Fragment>
          );
        })}
      </tbody>
    </table>
  );
}

function isFilled(content: ComponentChildren): boolean {
  return content !== undefined && content !== null && content !== '' && content !== false;
}

/** A value with a lesser one under it. */
export function Stacked({ first, second }: { first: ComponentChildren; second: ComponentChildren }) {
  return (
    <>
      {first}
      {isFilled(second) && <span class="second">{second}</span>}
    </>
  );
}

export function Status({ status }: { status: string }) {
  return (
    <span class="status" data-status={status}>
      {status}
    </span>
  );
}

/** An identifier or a code of the field. */
export function Code({ children }: { children: string }) {
  return (
    <span class="code" data-short={children.length <= 20 ? '' : undefined}>
      {children}
    </span>
  );
}
