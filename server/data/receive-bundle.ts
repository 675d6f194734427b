import { type BundledFile, readBundle } from '#data/bundle-reader.ts';
import { refusedNames } from '#data/check-file-names.ts';
import { claimBlobs } from '#data/claim-blobs.ts';
import type { DataParts } from '#data/data-parts.ts';
import { findDataRow, type FoundData } from '#data/data-store.ts';
import { checkRoomFor, countFiles, filesByName, namesInTheWay } from '#data/file-store.ts';
import { removeUploadBytes } from '#data/remove-uploads.ts';
import { changeData } from '#datasets/datasets.ts';
import { newId } from '#kit/ids.ts';
import { blobOfUpload, type UploadShape } from '#kit/object-store/object-store.ts';
import type { addFiles, DataFile } from '@sodate/contract/data.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { FileId, type TenantId, type UploadId } from '@sodate/contract/ids.ts';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { z } from 'zod';

/** Files of one bundle that are being written at the same time; each is in memory for as long. */
const WRITTEN_TOGETHER = 8;
/** Bytes without a row are cleared away as left over after an hour: a bundle that comes slower than this is not stored. */
const LONGEST_MINUTES = 30;

type Answer = z.input<(typeof addFiles)['response']>;
type Parts = Pick<DataParts, 'db' | 'store' | 'changes' | 'clock' | 'log'>;

/** A file whose bytes are in the store and belong to nobody yet. */
interface WrittenFile {
  readonly shape: UploadShape;
  readonly name: string;
  readonly digest: string;
}

/**
 * Adds the files of a bundle to a data. One that cannot be added is refused by itself; one that is there already with
 * the same content counts as added, so a bundle may be sent again after an answer that was lost.
 *
 * Bytes written, sealed and durable → rows of all, one transaction → leftovers away. If the process dies before the
 * commit, nothing is stored and the sweep clears the bytes away; after it, all is stored.
 */
export async function receiveBundle(parts: Parts, asked: { readonly tenant: TenantId; readonly data: string; readonly body: Readable }): Promise<Answer> {
  const { db, store, changes, clock, log } = parts;
  const began = clock.now().getTime();
  const data = await findDataRow(db, asked.tenant, asked.data);
  const bundle = readBundle(asked.body);
  const files = await bundle.readHead();
  const free = await store.freeBytes();
  if (free !== null && files.reduce((sum, { size }) => sum + size, 0) > free) throw new SodateError('disk-full', { place: 'the server' });

  const begun: UploadId[] = [];
  const refused: Answer['refused'] = [];
  const names = files.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new SodateError('invalid-request', { details: `two files of the bundle are named ${JSON.stringify(twice)}` });
  try {
    const there = await filesByName(db, asked.tenant, data.id, names);
    const received = await receiveFiles(parts, { tenant: asked.tenant, bundle, files, there, begun, refused });
    const sealed = await store.seal(received.written.map(({ shape }) => shape));
    for (const { shape, name, digest } of received.written) {
      const actual = sealed.get(shape.id)?.digest ?? '';
      if (actual !== digest) throw new SodateError('digest-differs', { name, actual, expected: digest });
    }
    if (clock.now().getTime() - began > LONGEST_MINUTES * 60_000)
      throw new SodateError('invalid-request', { details: `a bundle must arrive within ${LONGEST_MINUTES} minutes; send fewer files at once` });
    const added = await storeFiles(parts, asked.tenant, data, received.written, refused);
    for (const id of added.kept) begun.splice(begun.indexOf(id), 1);
    if (added.files.length > 0) changes.publish({ tenant: asked.tenant, topic: 'data', id: data.id, change: 'updated' });
    try {
      for (const id of added.kept) await store.forget(asked.tenant, id);
    } catch (error) {
      // The files are stored. What is left pending is removed by the sweep.
      log.warn({ err: error, data: data.id }, 'leftovers of a bundle could not be removed yet');
    }
    return { files: [...received.alreadyThere, ...added.files], refused };
  } finally {
    // What did not become a file, or is equal to what was there: no row names it.
    for (const id of begun) await removeUploadBytes({ store, log }, asked.tenant, id);
  }
}

async function receiveFiles(
  { store }: Parts,
  of: {
    readonly tenant: TenantId;
    readonly bundle: ReturnType<typeof readBundle>;
    readonly files: readonly BundledFile[];
    readonly there: ReadonlyMap<string, DataFile>;
    readonly begun: UploadId[];
    readonly refused: Answer['refused'];
  },
): Promise<{ readonly written: readonly WrittenFile[]; readonly alreadyThere: readonly DataFile[] }> {
  const written: WrittenFile[] = [];
  const alreadyThere: DataFile[] = [];
  const writing = new Set<Promise<void>>();
  const stop = new AbortController();
  const failures: unknown[] = [];
  const write = async (file: WrittenFile, bytes: Buffer): Promise<void> => {
    // A file of no bytes has no parts.
    if (bytes.length > 0) await store.writePart(file.shape, 1, Readable.from([bytes], { objectMode: false }), stop.signal);
    written.push(file);
  };
  try {
    for (const { name, size, digest: expected } of of.files) {
      const bytes = await of.bundle.readFile(size);
      const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
      const stored = of.there.get(name);
      if (expected !== undefined && expected !== digest) of.refused.push(refusal(name, new SodateError('digest-differs', { name, actual: digest, expected })));
      else if (stored?.digest === digest) alreadyThere.push(stored);
      else {
        const shape = { tenant: of.tenant, id: newId<UploadId>(), size, partSize: Math.max(1, size) };
        of.begun.push(shape.id);
        const work = write({ shape, name, digest }, bytes)
          .catch((error: unknown) => void failures.push(error))
          .finally(() => writing.delete(work));
        writing.add(work);
        if (writing.size >= WRITTEN_TOGETHER) await Promise.race(writing);
        if (failures.length > 0) throw failures[0];
      }
    }
    await of.bundle.expectEnd();
  } catch (error) {
    stop.abort();
    throw error;
  } finally {
    await Promise.all(writing);
  }
  if (failures.length > 0) throw failures[0];
  return { written, alreadyThere };
}

/** @returns the files that are in, and which of the written blobs they use */
async function storeFiles(
  { db, clock }: Parts,
  tenant: TenantId,
  data: FoundData,
  written: readonly WrittenFile[],
  refused: Answer['refused'],
): Promise<{ readonly files: readonly DataFile[]; readonly kept: readonly UploadId[] }> {
  if (written.length === 0) return { files: [], kept: [] };
  const now = clock.now();
  const names = written.map(({ name }) => name);
  const outcome = await changeData(db, tenant, data, async (tx) => {
    // Another request may have added the very same file since the bundle began.
    const there = await filesByName(tx, tenant, data.id, names);
    const alreadyThere = written.flatMap(({ name, digest }) => (there.get(name)?.digest === digest ? (there.get(name) ?? []) : []));
    const fresh = written.filter(({ name, digest }) => there.get(name)?.digest !== digest);
    const freshNames = fresh.map(({ name }) => name);
    const outOfPlace = refusedNames(await namesInTheWay(tx, tenant, data.id, freshNames), freshNames);
    const chosen = fresh.filter(({ name }) => !outOfPlace.has(name));
    if (chosen.length === 0) return { alreadyThere, chosen, outOfPlace, blobs: new Map<string, string>() };
    await checkRoomFor(tx, tenant, data.id, chosen.length);
    const candidates = chosen.map(({ shape, digest }) => ({ blob: blobOfUpload(shape.id), digest, size: shape.size }));
    const blobs = await claimBlobs(tx, tenant, candidates, now);
    await tx
      .insertInto('data_files')
      .values(
        chosen.map(({ shape, name, digest }) => ({
          tenant_id: tenant,
          data_id: data.id,
          id: shape.id,
          name,
          blob_id: blobs.get(digest) ?? shape.id,
          created_at: now,
        })),
      )
      .execute();
    await countFiles(tx, tenant, data.id);
    return { alreadyThere, chosen, outOfPlace, blobs };
  });
  for (const [name, error] of outcome.outOfPlace) refused.push(refusal(name, error));
  return {
    files: [...outcome.alreadyThere, ...outcome.chosen.map(({ shape, name, digest }) => ({ id: FileId.parse(shape.id), name, size: shape.size, digest }))],
    kept: outcome.chosen.filter(({ shape, digest }) => outcome.blobs.get(digest) === (shape.id as string)).map(({ shape }) => shape.id),
  };
}

const refusal = (name: string, error: SodateError): Answer['refused'][number] => ({ name, code: error.code, message: error.message });
