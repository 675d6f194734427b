/* What this device remembers. A browser may refuse storage altogether; then nothing is remembered and nothing breaks. */

export type RememberedName = 'language' | 'tenant' | 'log-wrap' | 'lineage-view' | 'submit-view' | 'runs-columns' | 'runs-metrics' | 'metrics-view';

export function recall(name: RememberedName): string | null {
  try {
    return localStorage.getItem(`sodate.${name}`);
  } catch {
    return null;
  }
}

export function remember(name: RememberedName, value: string): void {
  try {
    localStorage.setItem(`sodate.${name}`, value);
  } catch {
    // Not remembered.
  }
}
