import type { Parameter } from '#metrics/parameter-store.ts';
import { PbfReader } from 'pbf';

/** Parameters as TensorBoard's `hparams` plug-in writes them, at the start of a session. */
export function parseHparams(content: Uint8Array): readonly Parameter[] {
  const found: Parameter[] = [];
  const reader = new PbfReader(content);
  reader.readFields((tag, _, pbf) => {
    if (tag !== 3) return;
    pbf.readMessage((field) => {
      if (field !== 1) return;
      const entry = { name: '', value: '' };
      pbf.readMessage((part) => {
        if (part === 1) entry.name = pbf.readString();
        else if (part === 2) entry.value = readValue(pbf);
      }, null);
      found.push(entry);
    }, null);
  }, null);
  return found;
}

function readValue(pbf: PbfReader): string {
  const read = { value: '' };
  pbf.readMessage((kind) => {
    if (kind === 2) read.value = String(pbf.readDouble());
    else if (kind === 3) read.value = pbf.readString();
    else if (kind === 4) read.value = String(pbf.readBoolean());
  }, null);
  return read.value;
}
