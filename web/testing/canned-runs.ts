import type { Run } from '@sodate/contract/run-routes.ts';
import { runText, runWords } from '@sodate/contract/run-words.ts';
import type { RunKindName, RunState } from '@sodate/contract/runs.ts';
import { NodeId, RunId } from '@sodate/contract/ids.ts';
import type { Node } from '@sodate/contract/nodes.ts';

/* Runs of every state for the fake server: what lists and pages have to cope with. */

export const idOf = (digit: number): string => `019a0000-0000-7000-8000-${String(digit).padStart(12, '0')}`;
export const ADA = { id: idOf(900), name: 'ada', displayName: 'Ada Lovelace' };
export const BASE = Date.parse('2026-03-01T00:00:00Z');
export const at = (seconds: number): string => new Date(BASE + seconds * 1000).toISOString();

interface Wish {
  readonly digit: number;
  readonly kind: RunKindName;
  readonly number: number;
  readonly name: string;
  readonly state: RunState;
  readonly change?: Partial<Run>;
}

const dataset = { id: idOf(700), number: 3, name: '手書き数字 digits' };
const git = {
  endpoint: { id: idOf(600) as never, name: 'local' },
  repository: 'examples/digits',
  revision: 'main',
  commit: '9fceb02d0ae598e95dc970b74767f19372d61af8',
};

function canned({ digit, kind, number, name, state, change }: Wish): Run {
  const begun = state !== 'queued';
  const ended = state === 'succeeded' || state === 'failed' || state === 'cancelled';
  return {
    id: RunId.parse(idOf(digit)),
    number,
    kind,
    name,
    memo: '',
    tags: [],
    favourite: false,
    state,
    phase: null,
    exitCode: state === 'succeeded' ? 0 : null,
    failure: null,
    outputValue: null,
    resources: { cpu: 1, memory: 2_000_000_000, gpus: 0 },
    partition: null,
    image: 'host',
    node: begun ? 'node-1' : null,
    attempt: begun ? 1 : 0,
    createdAt: at(0),
    createdBy: ADA,
    startedAt: begun && state !== 'starting' ? at(12) : null,
    endedAt: ended ? at(200) : null,
    command: 'node train.js --epochs 40 \\\n  --learning-rate 0.05 --output /kqi/output',
    environment: { SEED: '7', LONG_VALUE: 'x'.repeat(180) },
    timeLimitSeconds: 3600,
    priority: 0,
    warnings: [],
    warningWords: [],
    details:
      kind === 'training'
        ? { kind, dataset, git, parents: [] }
        : kind === 'inference'
          ? { kind, dataset, git, parents: [], parentInferences: [] }
          : kind === 'tracked'
            ? { kind, experiment: { number: 0, name: 'Default' } }
            : { kind },
    ...change,
  };
}

const NO_NODE = runWords('no-node-large-enough');
const MEMORY = runWords('memory-exceeded', { mebibytes: 1907 });

export const CANNED_RUNS: readonly Run[] = [
  canned({
    digit: 12,
    kind: 'training',
    number: 12,
    name: 'digits, 40 epochs',
    state: 'running',
    change: { tags: ['baseline', 'digits'], memo: 'first try with the larger hidden layer' },
  }),
  canned({
    digit: 13,
    kind: 'training',
    number: 13,
    name: 'waits for its turn',
    state: 'queued',
    change: { resources: { cpu: 8, memory: 32_000_000_000, gpus: 2 }, warnings: [runText(NO_NODE)], warningWords: [NO_NODE] },
  }),
  canned({
    digit: 5,
    kind: 'inference',
    number: 5,
    name: '手書き数字の推論(テスト画像 360 枚)',
    state: 'succeeded',
    change: { outputValue: 'accuracy 0.9667' },
  }),
  canned({
    digit: 11,
    kind: 'training',
    number: 11,
    name: 'a-very-long-name-without-any-space-that-goes-on-and-on-because-people-paste-whole-file-names-here-and-nobody-stops-them',
    state: 'failed',
    change: {
      attempt: 2,
      exitCode: 137,
      failure: {
        class: 'out-of-memory',
        fault: 'user',
        message: runText(MEMORY),
        words: MEMORY,
        advice: 'The job used more memory than it asked for. Ask for more memory, or use less.',
      },
    },
  }),
  canned({ digit: 7, kind: 'task', number: 7, name: 'clean up', state: 'cancelled', change: { command: ['sh', '-c', "echo 'it is late'"], environment: {} } }),
  canned({ digit: 8, kind: 'task', number: 8, name: 'copy archive', state: 'starting', change: { phase: { name: 'staging', progress: 0.42 } } }),
  canned({ digit: 9, kind: 'task', number: 9, name: 'report', state: 'stopping' }),
  canned({
    digit: 10,
    kind: 'inference',
    number: 10,
    name: '<img src=x onerror=alert(1)>',
    state: 'finishing',
    change: { outputValue: '<script>alert(1)</script>' },
  }),
];

export const CANNED_NODE: Node = {
  id: NodeId.parse(idOf(650)),
  number: 1,
  name: 'node-1',
  partition: null,
  enabled: true,
  problem: null,
  executors: [{ id: 'local', isolation: 'sandbox', images: ['host'] }],
  capacity: { cpu: 8, memory: 32_000_000_000, gpus: 2 },
  used: { cpu: 1, memory: 2_000_000_000, gpus: 0 },
  seenAt: at(0),
};
