import { execFileSync } from 'node:child_process';

/** Whether a Docker engine answers here, and is not to be left alone. */
export function engineAnswers(): boolean {
  if (process.env.CLAIMS_API_TEST_POSTGRES === 'embedded') return false;
  try {
    execFileSync('docker', ['version'], { stdio: 'ignore', timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}

/** Whether this run may not do without one, as CI's may not: then nothing is left out for the lack of it. */
export const engineIsPromised = process.env.CLAIMS_API_TEST_POSTGRES === 'testcontainers';
