import { describe, expect, it } from 'vitest';
import { summarize } from '../../scripts/summary.ts';

const report = (...cases: string[]) =>
  `<testsuites><testsuite name="a.test.ts" tests="${cases.length}">${cases.join('\n')}</testsuite></testsuites>`;

const passed = '<testcase classname="a.test.ts" name="adds" time="1.4"></testcase>';
const skipped = '<testcase classname="a.test.ts" name="waits" time="0"><skipped/></testcase>';
const failed =
  '<testcase classname="a.test.ts" name="a &lt; b" time="0.2"><failure message="expected 1" type="Error">expected 1 to be &apos;2&apos;\n at a.test.ts:3</failure></testcase>';

describe('the summary of reports', () => {
  it('counts what the tests of all reports did', () => {
    expect(summarize('Tests', [report(passed, skipped), report(passed)])).toBe(
      '### ✅ Tests\n\n2 passed, 0 failed, 1 skipped, in 3 s of tests\n',
    );
  });

  it('shows each failure, with what it says as code', () => {
    const summary = summarize('Tests', [report(passed, failed)]);
    expect(summary).toContain('### ❌ Tests\n\n1 passed, 1 failed, 0 skipped');
    expect(summary).toContain("#### a.test.ts › a \\< b\n\n    expected 1 to be '2'\n     at a.test.ts:3\n");
  });

  it('does not look well where nothing reported', () => {
    expect(summarize('Tests', [''])).toBe('### ❌ Tests\n\nNo test has reported.\n');
  });
});
