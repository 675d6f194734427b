import { followLog } from '@sodate/client/live.ts';
import { makeClient, type Client } from '@sodate/client/make-client.ts';
import { startInference } from '@sodate/contract/inference.ts';
import { getLineage } from '@sodate/contract/lineage.ts';
import { getRun, type Run } from '@sodate/contract/run-routes.ts';
import { RUN_STATES } from '@sodate/contract/runs.ts';
import { signIn } from '@sodate/contract/session.ts';
import { startTraining } from '@sodate/contract/training.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildDemoImage } from './build-demo-image.ts';
import { makeDataset, makeRepository, makeTenantAndUser, REPOSITORY, TENANT, USER } from './demo-content.ts';
import { startDemoServer } from './demo-server.ts';

export interface DemoOptions {
  readonly home: string;
  readonly once: boolean;
  readonly executor: 'local' | 'docker';
  readonly port: string | undefined;
  readonly say: (text: string) => void;
}

export interface DemoResult {
  /** Final states. */
  readonly training: Run['state'];
  readonly inference: Run['state'];
  /** On the test images, from 0 to 1. */
  readonly accuracy: number;
  /** From the training's submission to the start of its process. */
  readonly submitToStartMs: number;
  /** The whole demo. */
  readonly seconds: number;
  readonly url: string;
}

const RESOURCES = { cpu: 1, memory: 1_000_000_000, gpus: 0 };
const TENANT_PARAMS = { tenant: TENANT };
const ENDED: readonly string[] = RUN_STATES.slice(-3);

/** The main job, from nothing to a model with its ancestry. */
export async function runDemo({ home, once, executor, port, say }: DemoOptions): Promise<DemoResult> {
  const began = performance.now();
  const image = executor === 'docker' ? await buildDemoImage(say) : undefined;
  say('Starting Sodate …\n');
  const server = await startDemoServer(home, executor, port);
  try {
    const anonymous = makeClient({ server: server.url });
    const signedIn = async (name: string): Promise<Client> => {
      const session = await anonymous.call(signIn, { body: { name, password: server.password, keep: 'token' } });
      return makeClient({ server: server.url, token: session.token ?? '' });
    };
    const admin = await signedIn('admin');
    await makeTenantAndUser(admin, server.password);
    await makeRepository(admin, server.gitRoot);
    const client = await signedIn(USER);
    const dataset = await makeDataset(client, say);

    say(`\nTraining on data set #${dataset}, from the HEAD commit of ${REPOSITORY}:\n`);
    const common = { dataset: String(dataset), git: { repository: REPOSITORY }, resources: RESOURCES, image };
    const submitted = await client.call(startTraining, { params: TENANT_PARAMS, body: { ...common, name: 'small network', command: ['node', 'train.mjs'] } });
    const training = await follow(client, submitted, say);
    if (training.state !== 'succeeded') throw new Error(`The training ended as ${training.state}: ${training.failure?.message ?? ''}`);

    say(`\nInference with training #${training.number} as parent:\n`);
    const applied = await client.call(startInference, {
      params: TENANT_PARAMS,
      body: { ...common, name: 'test images', command: ['node', 'infer.mjs'], parents: [String(training.number)] },
    });
    const inference = await follow(client, applied, say);
    const accuracy = Number(inference.outputValue);
    if (inference.state !== 'succeeded' || !(accuracy >= 0 && accuracy <= 1))
      throw new Error(`The inference ended as ${inference.state} with the value ${inference.outputValue}: ${inference.failure?.message ?? ''}`);

    say(`\nAccuracy on the test images: ${(accuracy * 100).toFixed(2)} %\n\nAncestry of inference #${inference.number}:\n`);
    await sayAncestry(client, inference.id, say);
    const submitToStartMs = new Date(training.startedAt ?? '').getTime() - new Date(training.createdAt).getTime();
    const result = {
      training: training.state,
      inference: inference.state,
      accuracy,
      submitToStartMs,
      seconds: Math.round((performance.now() - began) / 100) / 10,
      url: server.url,
    };
    if (!once) {
      say(`\nFrom submission to start ${submitToStartMs} ms; everything together ${result.seconds} s.\n`);
      say(`Open ${server.url}/tenants/${TENANT}/runs/training-${training.number} and sign in as ${USER} with the password ${server.password}\n`);
      say(`It goes on running. End it with: SODATE_HOME=${home} ./sodate down\n`);
    }
    return result;
  } finally {
    if (once) await server.down();
  }
}

/** Shows the log as it grows, and answers the run as it ended. */
async function follow(client: Client, run: { readonly id: string }, say: (text: string) => void): Promise<Run> {
  const text = new TextDecoder();
  for await (const { bytes } of followLog(client, { ...TENANT_PARAMS, run: run.id }, AbortSignal.timeout(300_000))) {
    say(text.decode(bytes, { stream: true }).replaceAll(/^(?=.)/gm, '  │ '));
  }
  for (;;) {
    const now = await client.call(getRun, { params: { ...TENANT_PARAMS, run: run.id } });
    if (ENDED.includes(now.state)) return now;
    await sleep(50);
  }
}

const ANCESTORS_SHOWN = 12;

async function sayAncestry(client: Client, run: string, say: (text: string) => void): Promise<void> {
  const { nodes, edges } = await client.call(getLineage, { params: { ...TENANT_PARAMS, kind: 'run', id: run }, query: {} });
  const label = new Map(nodes.map((node) => [`${node.kind} ${node.id}`, node.label]));
  const sayAbove = (kind: string, id: string, indent: string, seen: ReadonlySet<string>): void => {
    const above = edges.filter((edge) => edge.to.kind === kind && edge.to.id === id);
    for (const { from, relation } of above.slice(0, ANCESTORS_SHOWN)) {
      const key = `${from.kind} ${from.id}`;
      say(`${indent}← ${relation}: ${from.kind} ${label.get(key) ?? from.id}\n`);
      if (!seen.has(key)) sayAbove(from.kind, from.id, `${indent}  `, new Set([...seen, key]));
    }
    if (above.length > ANCESTORS_SHOWN) say(`${indent}← and ${above.length - ANCESTORS_SHOWN} more\n`);
  };
  say(`  ${label.get(`run ${run}`) ?? run}\n`);
  sayAbove('run', run, '    ', new Set());
}
