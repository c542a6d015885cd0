// A reporter for vitest: names the tests that passed at a second try only (vitest.config.ts, `retry`).
// Each one is a race, in the test or in the product, and an issue of its own.
import type { Reporter, TestCase } from 'vitest/node';

export default class FlakyTests implements Reporter {
  readonly #names: string[] = [];

  onTestCaseResult(test: TestCase): void {
    if (test.diagnostic()?.flaky)
      this.#names.push(`${test.module.relativeModuleId}: ${test.fullName}`);
  }

  onTestRunEnd(): void {
    if (this.#names.length === 0) return;
    console.log('\nPassed at the second try only (flaky, to be repaired):');
    for (const name of this.#names) console.log(`  ${name}`);
  }
}
