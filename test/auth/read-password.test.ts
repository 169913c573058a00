import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { readPassword } from '../../src/auth/read-password.ts';
import { UsageError } from '../../src/usage.ts';

function terminal() {
  const shown: string[] = [];
  const prompts = new PassThrough().setEncoding('utf8');
  prompts.on('data', (text) => shown.push(text));
  const input = Object.assign(new PassThrough(), { isTTY: true });
  return { input, prompts, shown: () => shown.join('') };
}

describe('a password', () => {
  it('comes from the environment first', async () => {
    const { input, prompts, shown } = terminal();
    expect(await readPassword({ env: { CLAIMS_API_PASSWORD: 'from env' }, input, prompts })).toBe('from env');
    expect(shown()).toBe('');
  });

  it('is the first line of an input that is no terminal', async () => {
    const { prompts, shown } = terminal();
    const input = new PassThrough();
    input.end('of the pipe \r\nanother line\n');
    expect(await readPassword({ env: { CLAIMS_API_PASSWORD: '' }, input, prompts })).toBe('of the pipe ');
    expect(shown()).toBe('');
  });

  it('is missing where the input is empty', async () => {
    const input = new PassThrough();
    input.end();
    const reading = readPassword({ env: {}, input, prompts: terminal().prompts });
    await expect(reading).rejects.toThrow('Expected the password in CLAIMS_API_PASSWORD, or as a line');
  });

  it('is asked for twice on a terminal and never shown', async () => {
    const { input, prompts, shown } = terminal();
    const reading = readPassword({ env: {}, input, prompts });
    input.write('correct horse\r');
    input.write('correct horse\r');
    expect(await reading).toBe('correct horse');
    expect(shown()).toBe('Password: \nOnce more: \n');
  });

  it('that differs the second time is refused', async () => {
    const { input, prompts } = terminal();
    const reading = readPassword({ env: {}, input, prompts });
    input.write('correct horse\rcorrect house\r');
    await expect(reading).rejects.toThrow('The two passwords differ');
  });

  it.each([
    ['Ctrl-C', '\u0003'],
    ['Ctrl-D', '\u0004'],
  ])('is given up with %s', async (_key, character) => {
    const { input, prompts } = terminal();
    const reading = readPassword({ env: {}, input, prompts });
    input.write(character);
    await expect(reading).rejects.toThrow(UsageError);
  });
});
