import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** Ends a run with a plain count, and names every skipped test with its reason. */
export class PlainCountReporter implements Reporter {
  readonly #counts = { passed: 0, failed: 0, skipped: 0 };
  readonly #skipped: string[] = [];

  onTestCaseResult(test: TestCase): void {
    const result = test.result();
    if (result.state === 'passed') this.#counts.passed += 1;
    else if (result.state === 'failed') this.#counts.failed += 1;
    else {
      this.#counts.skipped += 1;
      const reason = result.state === 'skipped' && result.note ? result.note : 'its name says why';
      this.#skipped.push(`${test.module.relativeModuleId}: ${test.fullName} — ${reason}`);
    }
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    // A file that cannot be loaded has no test to fail, and an error outside of any test belongs to none.
    const broken = modules.filter((module) => module.state() === 'failed' && module.errors().length > 0).length;
    this.#counts.failed += broken + errors.length;
    for (const line of this.#skipped) process.stdout.write(`skipped: ${line}\n`);
    process.stdout.write(`\n${this.#counts.passed} passed, ${this.#counts.failed} failed, ${this.#counts.skipped} skipped\n`);
  }
}
