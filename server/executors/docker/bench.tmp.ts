import { request } from 'node:http';
import { provideTestEngine } from './testing/test-engine.ts';
import { provideTestImages } from './testing/test-images.ts';
import { makeDockerHarness, readWholeLog } from './docker-harness.ts';
const engine = await provideTestEngine();
try {
  await provideTestImages(engine.docker);
  const harness = await makeDockerHarness(engine);
  const ex = await harness.openWith({ host: engine.host });
  const raw = (id: string, query: string) => new Promise<number>((resolve) => { let n = 0; request({ socketPath: engine.socket, path: `/containers/${id}/logs?stdout=1&stderr=1&timestamps=1${query}` }, (res) => { res.on('data', (c) => (n += c.length)); res.on('end', () => resolve(n)); }).end(); });
  const spec = { ...harness.spec({ command: { kind: 'script', text: "seq -f 'line %07.0f of a million, with some text in it' 500000" } }), limits: { cpuMilli: 2000, memoryBytes: 2**28, pids: 64 } };
  const h = await ex.start(spec, new AbortController().signal);
  let t = performance.now();
  while ((await ex.observe(h)).state !== 'exited') await new Promise((r) => setTimeout(r, 20));
  for (let i = 0; i < 3; i++) {
    t = performance.now(); let u = process.cpuUsage(); await raw(h.container!, ''); let d = process.cpuUsage(u); console.log('raw read', Math.round(performance.now() - t), 'cpu ms', Math.round((d.user + d.system) / 1000));
    t = performance.now(); u = process.cpuUsage(); await readWholeLog(ex, h); d = process.cpuUsage(u); console.log('ours', Math.round(performance.now() - t), 'cpu ms', Math.round((d.user + d.system) / 1000));
  }
  await harness.close();
} finally { await engine.close(); }
