import { crc32, deflateSync } from 'node:zlib';
import { frameEvent } from '../server/metrics/testing/frame-events.ts';

const STEPS = 24;
const BUCKETS = 30;

/** An event file with histograms that narrow, pictures that fill and texts, as a training would write it. */
export function makeEventFile(): Buffer {
  const events: Buffer[] = [];
  for (let index = 0; index < STEPS; index += 1) {
    const step = index * 100;
    events.push(frameEvent({ step, histogram: bell('layer1/weights', 0, 1 - index / 40) }));
    events.push(frameEvent({ step, histogram: bell('layer2/bias', index / STEPS, 0.4) }));
    if (index % 6 === 0) events.push(frameEvent({ step, image: { tag: 'samples/digits', bytes: makePicture(index / STEPS) } }));
    if (index % 8 === 0)
      events.push(frameEvent({ step, text: { tag: 'notes', text: `# Step ${step}\n<script>alert(${step})</script>\n学習率を半分にしました。` } }));
  }
  events.push(frameEvent({ step: 0, image: { tag: 'samples/not a picture', bytes: Buffer.from('<svg onload="alert(1)">') } }));
  return Buffer.concat(events);
}

function bell(tag: string, middle: number, width: number) {
  const [low, high] = [middle - 2.5 * width, middle + 2.5 * width];
  const limits = Array.from({ length: BUCKETS }, (_, at) => low + ((at + 1) * (high - low)) / BUCKETS);
  const counts = limits.map((limit) => Math.round(400 * Math.exp(-(((limit - middle) / width) ** 2))));
  return { tag, limits, counts, bounds: [low, high, counts.reduce((sum, count) => sum + count, 0)] as const };
}

const PICTURE_SIZE = 16;

/** A grey PNG of which a part is bright. */
function makePicture(share: number): Buffer {
  const rows = Array.from({ length: PICTURE_SIZE }, (_, y) =>
    Buffer.from([0, ...Array.from({ length: PICTURE_SIZE }, (__, x) => (Math.hypot(x - 8, y - 8) < 2 + share * 7 ? 230 : 30 + x * 4))]),
  );
  const head = Buffer.alloc(13);
  head.writeUInt32BE(PICTURE_SIZE, 0);
  head.writeUInt32BE(PICTURE_SIZE, 4);
  head.set([8, 0, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(Buffer.concat(rows))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, content: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type), content]);
  const [size, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  size.writeUInt32BE(content.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([size, named, sum]);
}
