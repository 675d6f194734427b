import { readFileSync } from 'node:fs';
import { makeLocalProcessHarness } from './local-process-harness.ts';
const keep = setInterval(() => {}, 1000);
const n = Number(process.argv[2] ?? 300),
  at = Number(process.argv[3] ?? 8);
const h = await makeLocalProcessHarness({ isolation: (process.argv[4] ?? 'auto') as never });
const ex = await h.open();
const waiting = new Map<string, () => void>();
ex.onChange((a) => waiting.get(a)?.());
const one = async () => {
  const spec = {
    ...h.spec({ command: { kind: 'list', argv: ['true'] } }),
    stagePlan: { items: [{ name: 'output', kind: 'scratch' as const }] },
    mounts: [{ item: 'output', target: '/opt/artifact', readOnly: false }],
    workingDirectory: '/',
  };
  const ended = new Promise<void>((r) => waiting.set(spec.attempt, r));
  const handle = await ex.start(spec, new AbortController().signal);
  await ended;
  waiting.delete(spec.attempt);
  const seen = await ex.observe(handle);
  if (seen.state !== 'exited' || seen.exit.code !== 0) throw new Error(JSON.stringify(seen));
  await ex.remove(handle);
};
const many = async (count: number) => {
  let left = count;
  await Promise.all(
    Array.from({ length: at }, async () => {
      while (left-- > 0) await one();
    }),
  );
};
await many(40);
const acct = () => Number(readFileSync('/sys/fs/cgroup/cpuacct/h4/cpuacct.usage', 'utf8')) / 1e6;
for (let k = 0; k < 3; k++) {
  const a = acct(),
    c = process.cpuUsage(),
    t = performance.now();
  await many(n);
  const b = acct(),
    d = process.cpuUsage(c);
  console.log(
    `all ${((b - a) / n).toFixed(2)} ms/run, node ${((d.user + d.system) / 1000 / n).toFixed(2)} (sys ${(d.system / 1000 / n).toFixed(2)}), rest ${((b - a) / n - (d.user + d.system) / 1000 / n).toFixed(2)}; ${((n / (performance.now() - t)) * 1000).toFixed(0)}/s`,
  );
}
await h.close();
clearInterval(keep);
