import { useEffect } from 'preact/hooks';
import { formatBytes } from '../quantity.ts';
import { type Import, isUnderWay } from './api.ts';

const refreshMilliseconds = 3000;

/** Asks again from time to time while an import has not ended; `answer` is another one each time, a failure too. */
export function useRefresh(wanted: boolean, answer: unknown[], reload: () => void): void {
  useEffect(() => {
    if (!wanted) return;
    const timer = setTimeout(reload, refreshMilliseconds);
    return () => clearTimeout(timer);
  }, answer);
}

/** How far an import is that has not ended. */
export function ImportProgress({ of }: { of: Import }) {
  if (!isUnderWay(of) || of.status === 'queued') return null;
  const { fraction, bytesRead, size } = of;
  const known = fraction !== null && bytesRead !== null;
  const words = known ? `${Math.floor(fraction * 100)}%, ${formatBytes(bytesRead)} of ${formatBytes(size)}` : 'running';
  return (
    <progress aria-label="Read of the file" title={words} value={fraction ?? undefined} max={1}>
      {words}
    </progress>
  );
}
