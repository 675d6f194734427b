import { useTestPlatform } from '#api-tests/test-platform.ts';
import { systemClock } from '#kit/clock.ts';
import type { ObjectStoreSettings } from '#kit/object-store/open-object-store.ts';
import { startTestS3, type TestS3, whyNoTestS3 } from '#kit/object-store/testing/provide-test-s3.ts';
import { followLog } from '@sodate/client/live.ts';
import { makeClient, type Client } from '@sodate/client/make-client.ts';
import { type SourceFile, uploadFiles } from '@sodate/client/upload.ts';
import { createData, deleteData, getData } from '@sodate/contract/data.ts';
import { copyDataset, createDataset, type DatasetDetails, deleteDataset, getDataset, updateDataset } from '@sodate/contract/datasets.ts';
import { startInference } from '@sodate/contract/inference.ts';
import { getLineage } from '@sodate/contract/lineage.ts';
import { deleteRun, getLog, getOutput, getRun, type Run } from '@sodate/contract/run-routes.ts';
import { startTraining } from '@sodate/contract/training.ts';
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/**
 * The main job in miniature and in full: data, a data set, code, a training, inferences on it; what a job sees, what is
 * kept of it, and what depends on what. Through the real executor, with a shell script as the job.
 */
const PARTS = 'k=${SODATE_ROOT:-}/kqi; k=$(echo "$k" | sed "s,//*,/,g")';

const TRAIN = `set -e
${PARTS}
pwd -P > "$k/output/cwd.txt"
env > "$k/output/env.txt"
cat "$k/git/README.md" > "$k/output/readme.txt"
git -C "$k/git" rev-parse HEAD > "$k/output/head.txt" 2>/dev/null || true
cp "$k/input/meta.json" "$k/output/meta.json"
cd "$k/input" && find . -type f | LC_ALL=C sort > "$k/output/input-files.txt"
cd "$k/raw" && find -L . -type f | LC_ALL=C sort > "$k/output/raw-files.txt"
cd "$k/input" && find . -type f ! -name meta.json | LC_ALL=C sort | while read -r f; do sha256sum < "$f"; done > "$k/output/sums.txt"
for place in git output attach tmp; do echo x > "$k/$place/mine.txt"; done
for place in input raw; do if (echo x > "$k/$place/mine.txt") 2>/dev/null; then echo "$place is writable" >> "$k/output/complaints.txt"; fi; done
node -e 'fetch(process.env.KQI_SERVER + "/v1/me", { headers: { authorization: "Bearer " + process.env.KQI_TOKEN } }).then((r) => r.text()).then((t) => console.error("asked: " + t))' 2> "$k/output/me.txt"
mkdir -p "$k/output/models"
echo "the weights of $TRAINING_ID" > "$k/output/models/model.txt"
i=0
while [ $i -lt 300 ]; do
  printf 'line %d \\377\\200 %s\\n' $i "$(printf '%0200d' $i)"
  i=$((i + 1))
  if [ $((i % 20)) = 0 ]; then sleep 0.05; fi
done
while [ ! -s "$k/attach/training_stdout_stderr_$TRAINING_ID.log" ]; do sleep 0.02; done
`;

const INFER = `set -e
${PARTS}
cd "$k" && find -L . -path './parent*' -name model.txt -o -path './inference*' -name value.txt | LC_ALL=C sort > "$k/output/seen.txt"
find "$k/parent/" -name model.txt -exec cat {} + | LC_ALL=C sort > "$k/output/models.txt"
env > "$k/output/env.txt"
if (echo x > "$k/parent/mine.txt") 2>/dev/null; then echo "parent is writable" > "$k/output/complaints.txt"; fi
echo "accuracy 0.97 of $INFERENCE_ID" > "$k/output/value.txt"
`;

const EXPECTED_LOG = Buffer.concat(
  Array.from({ length: 300 }, (_nothing, i) =>
    Buffer.concat([Buffer.from(`line ${i} `), Buffer.from([0o377, 0o200]), Buffer.from(` ${String(i).padStart(200, '0')}\n`)]),
  ),
);
const SMALL = { cpu: 0.1, memory: 200_000_000 };
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const source = (name: string, bytes: Uint8Array): SourceFile => ({
  name,
  size: bytes.length,
  read: async (start, end) => new Uint8Array(bytes.subarray(start, end)),
});
const FILES = {
  ones: { 'images/0.png': Buffer.from('not really a picture'), 'labels.csv': Buffer.from('0,1\n') },
  twos: { '日本語 とても.txt': Buffer.from('こんにちは'), 'empty.bin': Buffer.alloc(0), "it's; $(odd) *.txt": Buffer.from('x') },
};

const whyNoS3 = await whyNoTestS3();
const s3: { server?: TestS3 } = {};
afterAll(() => s3.server?.stop());
const inBucket = async (): Promise<ObjectStoreSettings> => {
  s3.server ??= await startTestS3();
  return { kind: 's3', s3: (await s3.server.makeBucket()).settings, cacheBytes: 1e9 };
};

describe.each([
  { isolation: 'auto', store: 'in the home', skipped: null },
  { isolation: 'none', store: 'in the home', skipped: null },
  { isolation: 'auto', store: `in S3${whyNoS3 === null ? '' : ` (skipped: ${whyNoS3})`}`, skipped: whyNoS3, objectStore: inBucket },
] as const)('the main job, isolation $isolation, files $store', ({ isolation, skipped, ...more }) => {
  if (skipped !== null) return it.skip(`goes from data to an inference (skipped: ${skipped})`, () => {});
  const opened = useTestPlatform({ executor: 'local', isolation, ...('objectStore' in more ? { objectStore: more.objectStore } : {}) });
  const at = { tenant: 'alpha' };
  const held: {
    client?: Client;
    training?: Run;
    inference?: Run;
    second?: Run;
    dataset?: DatasetDetails;
    ones?: string;
    twos?: string;
    commit?: string;
    followed: Buffer;
    cuts: number;
  } = { followed: Buffer.alloc(0), cuts: 0 };
  const client = (): Client => held.client as Client;
  const run = (which: 'training' | 'inference' | 'second'): Run => held[which] as Run;
  const output = async (of: Run, file: string): Promise<string> =>
    (await client().bytes(getOutput, { params: { ...at, run: of.id }, query: { path: file } })).text();
  const untilEnded = async (id: string): Promise<Run> => {
    await opened().untilRun('alpha', id, 'succeeded');
    return client().call(getRun, { params: { ...at, run: id } });
  };

  /** A client whose event streams break off again and again, wherever they are. */
  const cuttingClient = (): Client =>
    makeClient({
      server: opened().url,
      token: opened().viewer.secret,
      fetch: async (url, init) => {
        const response = await fetch(url, init);
        if (!response.headers.get('content-type')?.startsWith('text/event-stream') || !response.body) return response;
        let left = 3_000 + held.cuts * 7_001;
        const cut = new TransformStream<Uint8Array, Uint8Array>({
          transform(chunk, controller) {
            controller.enqueue(chunk.subarray(0, left));
            left -= chunk.length;
            if (left <= 0) {
              held.cuts += 1;
              controller.error(new TypeError('cut off'));
            }
          },
        });
        return new Response(response.body.pipeThrough(cut), { status: response.status, headers: response.headers });
      },
    });

  beforeAll(async () => {
    const p = opened();
    held.client = makeClient({ server: p.url, token: p.member.secret });
    held.commit = await p.repository.commitFiles({ 'train.sh': TRAIN, 'infer.sh': INFER, 'README.md': '# Model of the main job\n' });
    const upload = async (name: string, files: Readonly<Record<string, Uint8Array>>): Promise<string> => {
      const { id } = await client().call(createData, { params: at, body: { name, tags: [name] } });
      await uploadFiles(client(), { ...at, data: id, files: Object.entries(files).map(([file, bytes]) => source(file, bytes)) });
      return id;
    };
    held.ones = await upload('ones', FILES.ones);
    held.twos = await upload('twos', FILES.twos);
    held.dataset = await client().call(createDataset, {
      params: at,
      body: { name: 'digits', memo: 'of a school', entries: { training: [held.ones], testing: [held.twos] } },
    });
    const started = await client().call(startTraining, {
      params: at,
      body: {
        name: 'first try',
        command: 'sh ./train.sh',
        dataset: held.dataset.id,
        git: { repository: p.repository.name, revision: 'main' },
        environment: { EPOCHS: '3', COLUMNS: '77', COMMIT_ID: 'forged', TRAINING_ID: 'forged', KQI_TOKEN: 'forged', TEXT: 'two\nlines \'and\' "more" $HOME' },
        resources: SMALL,
      },
    });
    const pieces: Uint8Array[] = [];
    for await (const batch of followLog(cuttingClient(), { ...at, run: started.id }, AbortSignal.timeout(200_000))) pieces.push(batch.bytes);
    held.followed = Buffer.concat(pieces);
    held.training = await untilEnded(started.id);
    const infer = async (parents: readonly string[], parentInferences: readonly string[]): Promise<Run> => {
      const body = {
        name: 'a look',
        command: ['sh', 'infer.sh'],
        dataset: held.dataset?.id ?? '',
        git: { repository: p.repository.name },
        parents: [...parents],
        parentInferences: [...parentInferences],
        resources: SMALL,
      };
      return untilEnded((await client().call(startInference, { params: at, body })).id);
    };
    held.inference = await infer([started.id], []);
    held.second = await infer([`training-${held.training.number}`], [held.inference.id]);
  });

  it('runs the code of the commit in its folder', async () => {
    expect(run('training')).toMatchObject({
      state: 'succeeded',
      exitCode: 0,
      failure: null,
      attempt: 1,
      details: { git: { commit: held.commit, revision: 'main', repository: 'team/model' } },
    });
    expect(await output(run('training'), 'readme.txt')).toBe('# Model of the main job\n');
    expect(await output(run('training'), 'head.txt')).toMatch(new RegExp(`^(${held.commit}\n)?$`));
    if (isolation === 'auto') expect(await output(run('training'), 'cwd.txt')).toBe('/kqi/git\n');
  });

  it('shows the input under the names that existing code expects', async () => {
    const [ones, twos] = await Promise.all([held.ones, held.twos].map((id) => client().call(getData, { params: { ...at, data: id ?? '' } })));
    const inData = (number: number | undefined, files: object): string[] => Object.keys(files).map((file) => `${number}/${file}`);
    const raw = [...inData(ones?.number, FILES.ones), ...inData(twos?.number, FILES.twos)];
    const input = [
      'meta.json',
      ...inData(ones?.number, FILES.ones).map((file) => `training/${file}`),
      ...inData(twos?.number, FILES.twos).map((file) => `testing/${file}`),
    ];
    const lines = (text: string): string[] =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => line.replace(/^\.\//, ''))
        .toSorted();
    expect(lines(await output(run('training'), 'input-files.txt'))).toEqual(input.toSorted());
    expect(lines(await output(run('training'), 'raw-files.txt'))).toEqual(raw.toSorted());
    const sums = (await output(run('training'), 'sums.txt'))
      .trimEnd()
      .split('\n')
      .map((line) => line.slice(0, 64));
    expect(sums.toSorted()).toEqual([...Object.values(FILES.ones), ...Object.values(FILES.twos)].map(sha256).toSorted());
  });

  it('describes the data set in meta.json, by numbers and local times', async () => {
    const meta = JSON.parse(await output(run('training'), 'meta.json'));
    const entry = (of: { number: number; name: string } | undefined) => ({ id: of?.number, displayId: null, name: of?.name, tags: [of?.name] });
    const dataset = held.dataset as DatasetDetails;
    expect(meta).toMatchObject({
      id: dataset.number,
      name: 'digits',
      memo: 'of a school',
      isFlat: false,
      isLocked: true,
      entries: { training: [entry(dataset.entries.training[0])], testing: [entry(dataset.entries.testing[0])], validation: [] },
      flatEntries: [],
      createdBy: 'mel',
    });
    const inTokyo = new Date(new Date(dataset.createdAt).getTime() + 9 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
    expect(meta.createdAt).toBe(inTokyo);
  });

  const environmentOf = async (of: Run): Promise<ReadonlyMap<string, string>> =>
    new Map(
      (await output(of, 'env.txt'))
        .split('\n')
        .flatMap((line) => (line.includes('=') ? [[line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const] : [])),
    );

  it('sets the variables that existing code reads, and lets nobody forge them', async () => {
    const environment = await environmentOf(run('training'));
    const { number } = run('training');
    const expected = {
      DATASET_ID: String(held.dataset?.number),
      TRAINING_ID: String(number),
      PARENT_ID: '',
      MODEL_REPOSITORY: 'local/team/model',
      MODEL_REPOSITORY_URL: 'local/team/model',
      MODEL_REPOSITORY_TOKEN: '',
      COMMIT_ID: held.commit,
      ENTRY_POINT: 'sh ./train.sh',
      KQI_SERVER: opened().url,
      PYTHONUNBUFFERED: 'true',
      LC_ALL: 'C.UTF-8',
      LANG: 'C.UTF-8',
      ZIP_FILE_CREATED: 'False',
      LOCAL_DATASET: 'False',
      NVIDIA_VISIBLE_DEVICES: 'none',
      COLUMNS: '77',
      EPOCHS: '3',
    };
    expect(Object.fromEntries(Object.keys(expected).map((name) => [name, environment.get(name)]))).toEqual(expected);
    expect(environment.get('KQI_TOKEN')).toMatch(/^att_/);
    expect(environment.get('KQI_VERSION')).toMatch(/./);
    expect(environment.has('INFERENCE_ID')).toBe(false);
    expect(await output(run('training'), 'env.txt')).toContain('TEXT=two\nlines \'and\' "more" $HOME\n');
  });

  it("gives a job nothing of the server's own environment", async () => {
    const environment = await environmentOf(run('training'));
    const own = Object.entries(process.env).filter(([name]) => /VITEST|npm_|NODE_ENV|TEST/.test(name));
    expect(own.length).toBeGreaterThan(0);
    expect(own.filter(([name]) => environment.has(name))).toEqual([]);
  });

  it('lets a job ask the platform as whoever submitted it, while it lives', async () => {
    expect(await output(run('training'), 'me.txt')).toContain('"name":"mel"');
    const token = (await environmentOf(run('training'))).get('KQI_TOKEN') ?? '';
    expect((await opened().ask(token, 'GET', '/v1/me')).status).toBe(401);
  });

  it('keeps inputs and parents as they are', async () => {
    if (isolation === 'auto') {
      await expect(output(run('training'), 'complaints.txt')).rejects.toMatchObject({ code: 'not-found' });
      await expect(output(run('inference'), 'complaints.txt')).rejects.toMatchObject({ code: 'not-found' });
    }
    // Whatever it could do to its own view: the store's bytes are what was uploaded.
    const { files } = (await opened()
      .must(opened().member.secret, 'GET', `/v1/tenants/alpha/data/${held.ones}/files`)
      .then(({ body }) => ({ files: body.items }))) as { files: { id: string; name: string; digest: string }[] };
    for (const { id, name, digest } of files) {
      const { bytes } = await opened().must(opened().member.secret, 'GET', `/v1/tenants/alpha/data/${held.ones}/files/${id}/content`);
      expect([name, `sha256:${sha256(bytes)}`]).toEqual([name, digest]);
      expect(digest).toBe(`sha256:${sha256(FILES.ones[name as keyof typeof FILES.ones])}`);
    }
  });

  it('shows one parent in /kqi/parent and inferences under their numbers', async () => {
    expect((await output(run('inference'), 'seen.txt')).trimEnd()).toBe('./parent/models/model.txt');
    expect(await output(run('inference'), 'models.txt')).toBe(`the weights of ${run('training').number}\n`);
    expect((await output(run('second'), 'seen.txt')).trimEnd().split('\n')).toEqual([
      `./inference/${run('inference').number}/value.txt`,
      './parent/models/model.txt',
    ]);
    const environment = await environmentOf(run('inference'));
    expect([environment.get('INFERENCE_ID'), environment.get('PARENT_ID'), environment.has('TRAINING_ID')]).toEqual([
      String(run('inference').number),
      String(run('training').number),
      false,
    ]);
    expect(run('second').details).toMatchObject({ parents: [{ number: run('training').number }], parentInferences: [{ number: run('inference').number }] });
  });

  it("takes an inference's value from what it wrote", () => {
    expect([run('training').outputValue, run('inference').outputValue]).toEqual([null, `accuracy 0.97 of ${run('inference').number}`]);
  });

  it('keeps the log byte for byte, however often its reader is cut off', async () => {
    expect(held.cuts).toBeGreaterThanOrEqual(3);
    expect(held.followed.length).toBe(EXPECTED_LOG.length);
    expect(held.followed.equals(EXPECTED_LOG)).toBe(true);
    const whole = Buffer.from(await (await client().bytes(getLog, { params: { ...at, run: run('training').id } })).arrayBuffer());
    expect(whole.equals(EXPECTED_LOG)).toBe(true);
  });

  it('sends the log from any byte on', async () => {
    for (const offset of [0, 1, 1_000, EXPECTED_LOG.length - 1, EXPECTED_LOG.length, EXPECTED_LOG.length + 5, -1, -1_000, -10_000_000]) {
      const response = await client().bytes(getLog, { params: { ...at, run: run('training').id }, query: { offset } });
      const wanted = offset >= 0 ? EXPECTED_LOG.subarray(offset) : EXPECTED_LOG.subarray(Math.max(0, EXPECTED_LOG.length + offset));
      expect([offset, Buffer.from(await response.arrayBuffer()).equals(wanted), response.headers.get('sodate-log-end')]).toEqual([
        offset,
        true,
        String(EXPECTED_LOG.length),
      ]);
      const pieces: Uint8Array[] = [];
      for await (const batch of followLog(client(), { ...at, run: run('training').id, offset }, AbortSignal.timeout(20_000))) pieces.push(batch.bytes);
      expect([offset, Buffer.concat(pieces).equals(wanted)]).toEqual([offset, true]);
    }
  });

  it('records what was left, with digests', async () => {
    const { db } = opened().database;
    const rows = async () => db.selectFrom('run_output_files').select(['path', 'digest']).where('run_id', '=', run('inference').id).execute();
    await expect.poll(async () => (await rows()).length, { timeout: 30_000 }).toBeGreaterThan(0);
    expect(await rows()).toContainEqual({ path: 'value.txt', digest: `sha256:${sha256(Buffer.from(`accuracy 0.97 of ${run('inference').number}\n`))}` });
  });

  describe('the ancestry', () => {
    const reach = async (kind: 'data' | 'dataset' | 'run' | 'commit', id: string, direction: 'ancestors' | 'descendants'): Promise<readonly string[]> => {
      const { nodes, edges, truncated } = await client().call(getLineage, { params: { ...at, kind, id }, query: { direction } });
      expect(truncated).toBe(false);
      const known = new Set(nodes.map((node) => `${node.kind} ${node.id}`));
      for (const { from, to } of edges) expect([known.has(`${from.kind} ${from.id}`), known.has(`${to.kind} ${to.id}`)]).toEqual([true, true]);
      return edges.map(({ from, to, relation }) => `${from.kind} ${from.id} -${relation}-> ${to.kind} ${to.id}`).toSorted();
    };
    const commitId = (): string => {
      const { git } = run('training').details as { git: { endpoint: { id: string }; commit: string } };
      return `${git.endpoint.id}:team/model@${git.commit}`;
    };
    const edges = () => {
      const [dataset, training, inference, second] = [
        `dataset ${held.dataset?.id}`,
        ...(['training', 'inference', 'second'] as const).map((which) => `run ${run(which).id}`),
      ];
      const contains = [`data ${held.ones} -contains-> ${dataset}`, `data ${held.twos} -contains-> ${dataset}`];
      const used = [training, inference, second].map((each) => `${dataset} -input-> ${each}`);
      const code = [training, inference, second].map((each) => `commit ${commitId()} -code-> ${each}`);
      const parents = [`${training} -parent-> ${inference}`, `${training} -parent-> ${second}`, `${inference} -parent-> ${second}`];
      return { contains, used, code, parents };
    };

    it('leads from the last inference to everything it came from', async () => {
      const { contains, used, code, parents } = edges();
      expect(await reach('run', run('second').id, 'ancestors')).toEqual([...contains, ...used, ...code, ...parents].toSorted());
      expect(await reach('run', `inference-${run('second').number}`, 'ancestors')).toEqual([...contains, ...used, ...code, ...parents].toSorted());
    });

    it('leads from a data to everything that came from it', async () => {
      const { contains, used, parents } = edges();
      expect(await reach('data', held.ones ?? '', 'descendants')).toEqual([contains[0] ?? '', ...used, ...parents].toSorted());
    });

    it('leads from a commit and from a training to what came from them', async () => {
      const { code, parents } = edges();
      expect(await reach('commit', commitId(), 'descendants')).toEqual([...code, ...parents].toSorted());
      expect(await reach('run', run('training').id, 'descendants')).toEqual(parents.toSorted());
    });
  });

  it('locks what was used, allows a copy, and unlocks it with the last run', async () => {
    const params = { ...at, dataset: held.dataset?.id ?? '' };
    await expect(client().call(updateDataset, { params, body: { entries: { training: [] } } })).rejects.toMatchObject({ code: 'locked' });
    await expect(client().call(deleteDataset, { params })).rejects.toMatchObject({ code: 'in-use' });
    await expect(client().call(deleteData, { params: { ...at, data: held.ones ?? '' } })).rejects.toMatchObject({ code: 'in-use' });
    expect(await client().call(updateDataset, { params, body: { memo: 'still may be described' } })).toMatchObject({ locked: true, entryCount: 2 });
    const copy = await client().call(copyDataset, { params, body: {} });
    expect(copy).toMatchObject({ locked: false, entryCount: 2, entries: { training: [{ id: held.ones }], testing: [{ id: held.twos }] } });
    expect(await client().call(updateDataset, { params: { ...at, dataset: copy.id }, body: { entries: { training: [held.twos ?? ''] } } })).toMatchObject({
      entryCount: 1,
    });

    const remove = (which: 'training' | 'inference' | 'second') => client().call(deleteRun, { params: { ...at, run: run(which).id } });
    await expect(remove('training')).rejects.toMatchObject({ code: 'in-use', message: expect.stringContaining(`inference-${run('inference').number}`) });
    await remove('second');
    await remove('inference');
    expect((await client().call(getDataset, { params })).locked).toBe(true);
    await remove('training');
    expect((await client().call(getDataset, { params })).locked).toBe(false);
    const folders = () => readdir(path.join(opened().home.folder, 'runs'));
    while ((await folders()).length > 0) await systemClock.sleep(20);
    const { nodes } = await client().call(getLineage, { params: { ...at, kind: 'run', id: run('second').id } });
    expect(
      nodes
        .filter(({ deleted }) => deleted)
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual([run('training').id, run('inference').id, run('second').id].toSorted());
    await client().call(deleteDataset, { params });
  });

  it('has made nothing go wrong on the server', () => {
    expect(opened().errorsLogged).toEqual([]);
  });
});
