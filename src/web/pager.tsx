import { firstPage, type Position, pageAfter, pageBefore } from './paging.ts';

interface PagerProps {
  label: string;
  position: Position;
  next: string | null;
  go(position: Position): void;
}

export function Pager({ label, position, next, go }: PagerProps) {
  const after = next === null ? undefined : pageAfter(position, next);
  return (
    <nav class="pager" aria-label={label}>
      <Step to={position.cursor === '' ? undefined : firstPage} go={go} name="First" />
      <Step to={pageBefore(position)} go={go} name="Previous" />
      <Step to={after} go={go} name="Next" />
    </nav>
  );
}

/** Not `disabled` where it leads nowhere: a disabled button loses the keyboard's focus to the start of the page. */
function Step({ to, go, name }: { to: Position | undefined; go: (position: Position) => void; name: string }) {
  return (
    <button type="button" aria-disabled={to === undefined} onClick={() => to && go(to)}>
      {name}
    </button>
  );
}
