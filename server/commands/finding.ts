/** What the doctor has to say about one thing. */
export interface Finding {
  readonly about: string;
  /** `bad`: Sodate does not work. `worse`: it works, but not as well as it could. */
  readonly verdict: 'good' | 'worse' | 'bad';
  readonly found: string;
  readonly mend: string | null;
}

export const good = (about: string, found: string): Finding => ({ about, verdict: 'good', found, mend: null });
