import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { afterAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type Clock, systemClock } from '#kit/clock.ts';
import { silentLog } from '#kit/log.ts';
import { type EngineClient, openEngine } from './docker-client.ts';
import { type ImageCache, openImageCache } from './image-cache.ts';
import { engineOrReason, type TestEngine } from './testing/test-engine.ts';
import { importFiller } from './testing/test-images.ts';

const engine = await engineOrReason();
if (typeof engine === 'string') {
  describe('the image cache', () => it.skip(`keeps its memory (skipped: ${engine})`, () => {}));
} else {
  afterAll(() => engine.close());
  describeImageCache(engine);
}

function describeImageCache(on: TestEngine): void {
  describe('the image cache', () => {
    let client: EngineClient;
    let nowMs = 0;
    const clock: Clock = { ...systemClock, now: () => new Date(nowMs) };

    beforeEach(() => {
      nowMs = systemClock.now().getTime();
      client = openEngine(on.host);
      onTestFinished(() => client.close());
    });

    const makeFolder = async (): Promise<string> => {
      const folder = await mkdtemp(join(tmpdir(), 'sodate-image-cache-'));
      onTestFinished(() => rm(folder, { recursive: true, force: true }));
      return folder;
    };
    /** With room for nothing: what counts as ours goes. */
    const open = async (folder: string, over: EngineClient = client): Promise<ImageCache> =>
      openImageCache({ engine: over, folder, budgetBytes: 0, clock, log: silentLog });
    const makeImage = async (reference: string): Promise<string> => {
      const id = await importFiller(on.docker, reference, randomBytes(1024));
      onTestFinished(() =>
        on.docker
          .getImage(reference)
          .remove()
          .then(
            () => {},
            () => {},
          ),
      );
      return id;
    };
    const isHere = (reference: string): Promise<boolean> =>
      on.docker
        .getImage(reference)
        .inspect()
        .then(
          () => true,
          () => false,
        );
    const newReference = (): string => `filler/${randomUUID()}:1`;

    it('takes up what came of a pull whose end nobody heard, at once or later', async () => {
      const cache = await open(await makeFolder());
      const reference = newReference();
      await cache.begin(reference);
      await cache.leave(reference);
      await cache.cleanUp(new Set());
      nowMs += 9 * 60_000;
      await makeImage(reference);
      await cache.cleanUp(new Set());
      expect(await isHere(reference)).toBe(false);
    });

    it('does so in the next process, too', async () => {
      const folder = await makeFolder();
      const reference = newReference();
      const first = await open(folder);
      await first.begin(reference);
      await first.leave(reference);
      await first.settled();
      await makeImage(reference);
      await (await open(folder)).cleanUp(new Set());
      expect(await isHere(reference)).toBe(false);
    });

    it('leaves what comes up under that name long after, and after a pull that was refused', async () => {
      const cache = await open(await makeFolder());
      const [late, refused] = [newReference(), newReference()];
      await cache.begin(late);
      await cache.leave(late);
      nowMs += 11 * 60_000;
      // It is looked for once more, in vain.
      await cache.cleanUp(new Set());
      await cache.begin(refused);
      await cache.giveUp(refused);
      const ids = [await makeImage(late), await makeImage(refused)];
      await cache.cleanUp(new Set());
      expect(await Promise.all([isHere(late), isHere(refused)])).toEqual([true, true]);
      expect(ids.map((id, index) => cache.isOurs(id, [late, refused][index] ?? ''))).toEqual([false, false]);
    });

    it('removes the others where one cannot be removed, and that one when it can', async () => {
      const [stuck, other] = [newReference(), newReference()];
      const [stuckId, otherId] = [await makeImage(stuck), await makeImage(other)];
      let isDamaged = true;
      const damaged: EngineClient = {
        ...client,
        call: (work, limitMs) =>
          client.call((docker) => {
            const getImage = (name: string): Docker.Image => {
              const image = docker.getImage(name);
              if (!isDamaged || (name !== stuck && name !== stuckId)) return image;
              const refuse = (): Promise<never> => Promise.reject(Object.assign(new Error('layer does not exist'), { statusCode: 500 }));
              return Object.assign(image, { remove: refuse });
            };
            return work(Object.assign(Object.create(docker) as Docker, { getImage }));
          }, limitMs),
      };
      const cache = await open(await makeFolder(), damaged);
      await cache.remember(stuckId, stuck, 'mark');
      nowMs += 1;
      await cache.remember(otherId, other, 'mark');
      await cache.cleanUp(new Set());
      expect(await Promise.all([isHere(stuck), isHere(other)])).toEqual([true, false]);
      isDamaged = false;
      await cache.cleanUp(new Set());
      expect(await isHere(stuck)).toBe(false);
    });
  });
}
