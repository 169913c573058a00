import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { UsageError } from '../usage.ts';

interface PasswordSources {
  env: Record<string, string | undefined>;
  input: NodeJS.ReadableStream & { isTTY?: boolean };
  /** Where prompts go: not standard output, which may be piped. */
  prompts: NodeJS.WritableStream;
}

/**
 * A new password: from CLAIMS_API_PASSWORD, else a line of the input, else asked for twice without showing it. Never an
 * argument: those stand in the shell's history and in the list of processes.
 */
export async function readPassword({ env, input, prompts }: PasswordSources): Promise<string> {
  if (env.CLAIMS_API_PASSWORD) return env.CLAIMS_API_PASSWORD;
  if (!input.isTTY) {
    for await (const line of createInterface({ input })) return line;
    throw new UsageError('Expected the password in CLAIMS_API_PASSWORD, or as a line on standard input.');
  }
  const [first, second] = await askHidden(input, prompts, ['Password: ', 'Once more: ']);
  if (first !== second) throw new UsageError('The two passwords differ; nothing was changed.');
  return first as string;
}

/** Asks on a terminal; readline reads the lines, and its echo goes nowhere. */
async function askHidden(
  input: NodeJS.ReadableStream,
  prompts: NodeJS.WritableStream,
  questions: string[],
): Promise<string[]> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output: nowhere, terminal: true });
  const answers: string[] = [];
  try {
    // Leaving the loop closes the interface, and so do Ctrl-C and Ctrl-D.
    prompts.write(questions[0] as string);
    for await (const line of lines) {
      prompts.write('\n');
      answers.push(line);
      const question = questions[answers.length];
      if (question === undefined) return answers;
      prompts.write(question);
    }
  } finally {
    lines.close();
  }
  prompts.write('\n');
  throw new UsageError('No password was given; nothing was changed.');
}
