/**
 * The systems of the numbers that providers give claims (X12 patient control numbers): a provider numbers its own, so
 * the provider is the system.
 */
export const npiSystem = (npi: string) => `urn:npi:${npi}`;
export const taxIdSystem = (taxId: string) => `urn:ein:${taxId}`;
export const isTaxIdSystem = (system: string) => system.startsWith(taxIdSystem(''));
