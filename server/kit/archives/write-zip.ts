import { centralRecord, dataDescriptor, endRecords, localHeader, type ZipMember, type ZipSizes } from '#kit/archives/zip-records.ts';
import { promisify } from 'node:util';
import { crc32, createDeflateRaw, deflateRaw } from 'node:zlib';

/** What is put into an archive. */
export interface ArchiveEntry {
  /** With `/` between folders, checked; see `archive-names.ts`. */
  readonly name: string;
  readonly modifiedAt: Date;
  /** null = a folder. Opens the bytes when their turn comes; null = they are not there any more, and are left out. */
  readonly open: (() => Promise<ArchiveSource | null>) | null;
}

export interface ArchiveSource {
  /** No more than this many bytes are taken, however the file grows meanwhile. */
  readonly size: number;
  read(): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** Up to here a file is read at once, so that its checksum stands before it: some readers need that, and it is quicker. */
const AT_ONCE_BYTES = 512 * 1024;
/** Sizes from here on are written in 64 bits. Below 2³² by more than deflating can add. */
const LARGE_BYTES = 0xf0000000;
const BLOCK_BYTES = 64 * 1024;
/** Below, deflating costs more than writing: a fifth of a millisecond. */
const DEFLATED_FROM_BYTES = 256;
const deflated = promisify(deflateRaw);

/**
 * Writes a zip archive as it is read: one entry after the other, nothing kept but the list that stands at the end, which
 * takes about a hundred bytes an entry. Deflates what it is worth for. Ending it early closes what is open.
 */
export async function* writeZip(entries: AsyncIterable<ArchiveEntry>): AsyncGenerator<Uint8Array> {
  const list = makeBlocks();
  let [at, count] = [0, 0];
  for await (const entry of entries) {
    const source = entry.open === null ? null : await entry.open();
    if (entry.open !== null && source === null) continue;
    const member = {
      name: Buffer.from(entry.open === null ? `${entry.name}/` : entry.name),
      modifiedAt: entry.modifiedAt,
      isFolder: entry.open === null,
      large: (source?.size ?? 0) >= LARGE_BYTES,
    };
    const offset = at;
    const written = source === null ? wholeMember(member, Buffer.alloc(0), null) : writeFile(member, entry.name, source);
    const made = { result: await written.next() };
    try {
      for (; made.result.done !== true; made.result = await written.next()) {
        at += made.result.value.length;
        yield made.result.value;
      }
    } finally {
      // Given up in the middle, it closes its file.
      if (made.result.done !== true) await written.return(NEVER);
    }
    list.add(centralRecord(made.result.value.member, made.result.value.sizes, offset));
    count += 1;
  }
  yield* list.blocks();
  yield endRecords(count, at, list.bytes());
}

interface Written {
  readonly member: ZipMember;
  readonly sizes: ZipSizes;
}
type Unsettled = Pick<ZipMember, 'name' | 'modifiedAt' | 'isFolder' | 'large'>;
const NEVER = undefined as unknown as Written;

async function* writeFile(member: Unsettled, name: string, source: ArchiveSource): AsyncGenerator<Uint8Array, Written> {
  try {
    if (source.size <= AT_ONCE_BYTES) {
      const bytes = await readAll(source);
      const smaller = bytes.length >= DEFLATED_FROM_BYTES && isWorthDeflating(name) ? await deflated(bytes) : null;
      return yield* wholeMember(member, bytes, smaller !== null && smaller.length < bytes.length ? smaller : null);
    }
    return yield* streamedMember({ ...member, deflated: isWorthDeflating(name), streamed: true }, source);
  } finally {
    await source.close();
  }
}

async function* wholeMember(member: Unsettled, bytes: Uint8Array, smaller: Uint8Array | null): AsyncGenerator<Uint8Array, Written> {
  const stored = smaller ?? bytes;
  const settled = { ...member, deflated: smaller !== null, streamed: false };
  const sizes = { crc: crc32(bytes), stored: stored.length, whole: bytes.length };
  yield Buffer.concat([localHeader(settled, sizes), stored]);
  return { member: settled, sizes };
}

async function* streamedMember(member: ZipMember, source: ArchiveSource): AsyncGenerator<Uint8Array, Written> {
  const seen = { crc: 0, whole: 0 };
  async function* watched(): AsyncGenerator<Uint8Array> {
    for await (const chunk of source.read()) {
      seen.crc = crc32(chunk, seen.crc);
      seen.whole += chunk.length;
      yield chunk;
    }
  }
  yield localHeader(member, null);
  let stored = 0;
  for await (const chunk of member.deflated ? deflateAll(watched()) : watched()) {
    stored += chunk.length;
    yield chunk;
  }
  const sizes = { ...seen, stored };
  yield dataDescriptor(member, sizes);
  return { member, sizes };
}

/** Not by `pipeline`, whose ends would have to be tied to each other: one chunk goes in, what it gives comes out. */
async function* deflateAll(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const deflate = createDeflateRaw({ chunkSize: BLOCK_BYTES });
  const out: Uint8Array[] = [];
  deflate.on('data', (chunk: Uint8Array) => out.push(chunk));
  const settled = (act: (done: (error?: Error | null) => void) => void): Promise<void> =>
    new Promise((resolve, reject) => {
      deflate.once('error', reject);
      act((error) => {
        deflate.off('error', reject);
        if (error) reject(error);
        else resolve();
      });
    });
  try {
    for await (const chunk of chunks) {
      await settled((done) => deflate.write(chunk, done));
      yield* out.splice(0);
    }
    await settled((done) => {
      deflate.once('end', () => done());
      deflate.end();
    });
    yield* out.splice(0);
  } finally {
    deflate.destroy();
  }
}

async function readAll(source: ArchiveSource): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source.read()) chunks.push(chunk);
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

/** What is compressed already, or is numbers without a pattern: deflating it takes a core and gains a few per cent. */
const DENSE =
  /\.(?:png|jpe?g|gif|webp|avif|heic|mp[34]|m4[av]|mov|mkv|webm|avi|ogg|opus|flac|zip|gz|tgz|bz2|xz|zst|lz4|7z|rar|jar|whl|pdf|docx|xlsx|pptx|parquet|orc|npz|pt|pth|safetensors|ckpt|onnx|gguf|h5|tflite|woff2?)$/i;

const isWorthDeflating = (name: string): boolean => !DENSE.test(name);

/** Many small records in a few large blocks: a million small buffers would take four times their bytes. */
function makeBlocks(): { add(record: Buffer): void; blocks(): Iterable<Buffer>; bytes(): number } {
  const whole: Buffer[] = [];
  const state = { block: Buffer.alloc(BLOCK_BYTES), used: 0, bytes: 0 };
  return {
    add(record) {
      if (state.used + record.length > state.block.length) {
        whole.push(state.block.subarray(0, state.used));
        state.block = Buffer.alloc(Math.max(BLOCK_BYTES, record.length));
        state.used = 0;
      }
      state.used += record.copy(state.block, state.used);
      state.bytes += record.length;
    },
    blocks: () => [...whole, state.block.subarray(0, state.used)],
    bytes: () => state.bytes,
  };
}
