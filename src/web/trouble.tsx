import type { Problem } from './api.ts';

interface TroubleProps {
  what: string;
  problem: Problem;
  retry: () => void;
}

/** Says what went wrong, and offers another attempt where one could go better. */
export function Trouble({ what, problem, retry }: TroubleProps) {
  const mayPass = problem.status === 0 || problem.status === 429 || problem.status >= 500;
  return (
    <div class="trouble" role="alert">
      <p>
        <strong>{what}</strong> {problem.sentence}
      </p>
      {mayPass && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}
