import { hash } from 'node:crypto';

/**
 * The id of a claim: a UUIDv8 (RFC 9562, 5.8) of the first 122 free bits of SHA-256 over its source system and its
 * number there. The same claim has the same id in every file, import and installation.
 */
export function claimId(identifier: { system: string; value: string }): string {
  // The length before it keeps ("a", "bc") and ("ab", "c") apart.
  const digest = hash('sha256', `${identifier.system.length}:${identifier.system}${identifier.value}`, 'hex');
  const variant = ((Number.parseInt(digest.charAt(16), 16) & 3) | 8).toString(16);
  return (
    `${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}` +
    `-${variant}${digest.slice(17, 20)}-${digest.slice(20, 32)}`
  );
}
