import { newId } from '#kit/ids.ts';
import { type RunMoment, toOpenLineage } from '#lineage/open-lineage.ts';
import { provideMlflowClient } from '#mlflow/testing/provide-mlflow-client.ts';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const provided = await provideMlflowClient(['openlineage-python>=1.30,<2']);
const [python, reason] = 'python' in provided ? [provided.python, ''] : ['', ` (skipped: ${provided.missing})`];
const script = fileURLToPath(new URL('./testing/read-events.py', import.meta.url));

/** @returns for each event `ok`, or why the published classes do not take it */
async function judge(events: readonly object[]): Promise<readonly string[]> {
  const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  expect(code).toBe(0);
  return said.trimEnd().split('\n');
}

const origin = { namespace: `sodate://${newId<string>()}/team`, producer: 'https://example.org/sodate/1.0.0', version: '1.0.0' };
const bare: RunMoment = {
  at: new Date('2026-01-01T00:00:00.123Z'),
  end: null,
  run: newId(),
  kind: 'training',
  number: 12,
  name: 'a run',
  failure: null,
  written: null,
  datasets: [],
  parents: [],
  commits: [],
};
const full: RunMoment = {
  ...bare,
  end: 'COMPLETE',
  name: '学習 "quoted" / slashed',
  written: { files: 3, bytes: 2 ** 40 },
  datasets: [
    { id: newId(), number: 1, name: 'digits', entries: 60_000 },
    { id: newId(), number: 2, name: '', entries: 0 },
  ],
  parents: [
    { id: newId(), kind: 'training', number: 3, name: 'before' },
    { id: newId(), kind: 'task', number: 4, name: 'another' },
  ],
  commits: [{ endpoint: 'forge', repository: 'team/モデル one', commit: 'a'.repeat(40) }],
};

describe.skipIf(python === '')(`OpenLineage events and the published package openlineage-python${reason}`, () => {
  it('its classes take every event that we write, and write the same', async () => {
    const moments: RunMoment[] = [
      bare,
      full,
      { ...full, end: 'FAIL', failure: { class: 'out-of-memory', message: 'Out of "memory"\n' } },
      { ...bare, end: 'ABORT' },
      { ...full, end: null },
    ];
    const events = moments.map((moment) => toOpenLineage(moment, origin));
    expect(await judge(events)).toEqual(moments.map(() => 'ok'));
  });

  it('they would not take what is out of form', async () => {
    const harms: readonly (readonly [place: string, value: unknown, said: RegExp])[] = [
      ['run', undefined, /run/],
      ['run.runId', 'number 12', /UUID/],
      ['eventType', 'END', /EventType/],
      ['eventTime', 'yesterday', /digits|ISO|parse/i],
      ['inputs.0.rows', 1, /rows/],
      ['outputs.0.outputFacets.outputStatistics.size', 'much', /size is 'much'/],
      ['job.facets.jobType.integration', undefined, /integration/],
      ['inputs.0.facets.version._schemaURL', 'https://openlineage.io/spec/facets/9-9-9/None.json#/$defs/None', /no published facet/],
      [
        'inputs.0.facets.version._schemaURL',
        'https://openlineage.io/spec/facets/9-9-9/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet',
        /no version 9/,
      ],
    ];
    const said = await judge(harms.map(([place, value]) => harmed(toOpenLineage(full, origin), place.split('.'), value)));
    for (const [at, [, , expected]] of harms.entries()) expect(said[at]).toMatch(expected);
  });
});

/** The same with another value at a place; without it for undefined. */
function harmed(thing: object, place: readonly string[], value: unknown): object {
  const copy = structuredClone(thing) as Record<string, unknown>;
  const [name = '', ...rest] = place;
  copy[name] = rest.length === 0 ? value : harmed(copy[name] as object, rest, value);
  return copy;
}
