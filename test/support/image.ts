import { docker } from './docker.ts';

/**
 * The image that is tested: the one that CLAIMS_API_TEST_IMAGE names, as CI has built what it will push, or what lies here.
 * Where that has been built already, this takes a third of a second.
 */
export async function buildImage(): Promise<string> {
  const given = process.env.CLAIMS_API_TEST_IMAGE;
  if (!given) await docker('buildx', 'bake', 'build');
  return given || 'claims-api:latest';
}
