import type { TaskRequest } from '@sodate/contract/tasks.ts';
import type { z } from 'zod';
import type { Random } from './random.ts';

/**
 * What one run of the chaos test does and how it must end. `plain` ends by itself; `stopped` runs until somebody stops
 * it; `over-time` until its time limit; `told` until a file appears beside its outputs; `signalled` ends itself by TERM;
 * `out-of-memory` takes more than it may. `stubborn` ones ignore TERM.
 */
export interface PlannedRun {
  readonly index: number;
  /** Nobody else prints or writes it. */
  readonly token: string;
  readonly shape: 'plain' | 'stopped' | 'over-time' | 'told' | 'signalled' | 'out-of-memory';
  /** `host` or an image with bash. */
  readonly image: string;
  readonly stubborn: boolean;
  readonly code: number;
  /** On each of the two streams; of a `told` one only the job knows. */
  readonly lines: number;
  readonly sleepSeconds: number;
  /** `stopped`: asked for as soon as it is submitted, or once it runs. */
  readonly stopAt: 'once' | 'when-running';
  /** Its log is read live from the beginning to the end. */
  readonly followed: boolean;
}

/** 137 and 143 are what a shell says of a killed program: told apart from one all the same. */
const CODES = [0, 0, 0, 0, 1, 2, 3, 42, 137, 143, 255] as const;
const FOLLOW_EVERY = 20;
/** `told` runs, which live through most of the storm, and what each line of theirs holds besides its number. */
const TOLD_RUNS = 3;

const HOST = 'host';
export const runsInContainer = ({ image }: PlannedRun): boolean => image !== HOST;

/** With images about half of the runs are containers. */
export function planRuns(count: number, random: Random, images: readonly string[] = []): readonly PlannedRun[] {
  const [first, ...others] = images;
  return Array.from({ length: count }, (_nothing, index) => {
    const inContainer = first !== undefined && (index < TOLD_RUNS ? index % 2 === 0 : random.chance(0.5));
    const shape = shapeOf(index, inContainer);
    return {
      index,
      image: inContainer ? random.pick([first, ...others]) : HOST,
      token: `t${index}x${random.integer(0, 2 ** 31)}`,
      shape,
      stubborn: (shape === 'stopped' || shape === 'over-time') && random.chance(0.3),
      code: CODES[index % CODES.length] ?? 0,
      lines: random.integer(2, 30),
      sleepSeconds: Math.round(random.between(0, 2) * 100) / 100,
      stopAt: random.pick(['once', 'when-running']),
      followed: shape === 'told' || index % FOLLOW_EVERY === 9,
    };
  });
}

function shapeOf(index: number, inContainer: boolean): PlannedRun['shape'] {
  if (index < TOLD_RUNS) return 'told';
  if (index % 12 === 5) return 'stopped';
  if (index % 40 === 7) return 'over-time';
  if (index % 30 === 8) return 'signalled';
  // Not every machine lets processes have memory limits.
  return inContainer && index % 10 === 4 ? 'out-of-memory' : 'plain';
}

/** Ends of lines that are not UTF-8: a continuation byte alone, bytes that never occur, a sequence cut off. */
const OUT_TAIL = '\\200\\377\\376';
const ERR_TAIL = '\\303(\\355\\240\\200';
const LONG = 'x'.repeat(2_000);

/** One `printf` is one write, so lines of the two streams may alternate but never mix. */
const SCRIPT = `
container=
if [ "$IN_CONTAINER" = 1 ]; then container=" $(sed -n 's,.*/containers/\\([0-9a-f]*\\)/hostname .*,\\1,p' /proc/self/mountinfo)"; fi
echo "$TOKEN$container" >>"$SAKURA_ARTIFACT_DIR/ran"
if [ "$STUBBORN" = 1 ]; then trap '' TERM; fi
line=0
say() {
  printf 'out %s %d ${OUT_TAIL}%s\\n' "$TOKEN" "$line" "$FILL"
  printf 'err %s %d ${ERR_TAIL}%s\\n' "$TOKEN" "$line" "$FILL" >&2
  line=$((line + 1))
}
case $SHAPE in
plain)
  while [ "$line" -lt $((LINES_WANTED / 2)) ]; do say; done
  sleep "$SLEEP"
  while [ "$line" -lt "$LINES_WANTED" ]; do say; done ;;
told)
  until [ -e "$SAKURA_ARTIFACT_DIR/told" ]; do say; sleep 0.05; done
  echo "$line" >"$SAKURA_ARTIFACT_DIR/lines" ;;
signalled)
  while [ "$line" -lt "$LINES_WANTED" ]; do say; done
  kill -TERM $$ ;;
out-of-memory)
  while [ "$line" -lt "$LINES_WANTED" ]; do say; done
  memory=xxxxxxxxxxxxxxxx
  while :; do memory=$memory$memory; done ;;
*)
  while [ "$line" -lt "$LINES_WANTED" ]; do say; done
  while :; do sleep 1; done ;;
esac
exit "$CODE"
`;

/** Small enough that some twenty run side by side on two cores. */
const RESOURCES = { cpu: 0.1, memory: 64_000_000, gpus: 0 };

export function requestOf(run: PlannedRun, mark: string): z.input<typeof TaskRequest> {
  return {
    name: `chaos ${run.token}`,
    image: run.image,
    command: SCRIPT,
    environment: {
      CHAOS_MARK: mark,
      TOKEN: run.token,
      IN_CONTAINER: runsInContainer(run) ? '1' : '0',
      SHAPE: run.shape,
      STUBBORN: run.stubborn ? '1' : '0',
      LINES_WANTED: String(run.lines),
      SLEEP: String(run.sleepSeconds),
      CODE: String(run.code),
      FILL: fillOf(run),
    },
    resources: RESOURCES,
    ...(run.shape === 'over-time' ? { timeLimitSeconds: 1 } : {}),
  };
}

const fillOf = (run: PlannedRun): string => (run.shape === 'told' ? LONG : '');

/** The lines of each stream, byte for byte, of a job that came to say `lines` of them. */
export function expectedLines(run: PlannedRun, lines: number): { readonly out: readonly string[]; readonly err: readonly string[] } {
  const bytesOf = (tail: string): string => tail.replaceAll(/\\(\d{3})/g, (_whole, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  const of = (stream: string, tail: string): string[] =>
    Array.from({ length: lines }, (_nothing, line) => `${stream} ${run.token} ${line} ${bytesOf(tail)}${fillOf(run)}`);
  return { out: of('out', OUT_TAIL), err: of('err', ERR_TAIL) };
}
