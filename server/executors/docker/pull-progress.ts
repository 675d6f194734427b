import { z } from 'zod';

const PullLine = z.object({
  id: z.string().optional(),
  status: z.string().optional(),
  progressDetail: z.object({ current: z.number().optional(), total: z.number().optional() }).optional(),
  error: z.string().optional(),
});

export interface PullProgress {
  /** Takes bytes of the engine's answer, cut anywhere. Answers the error it tells of, or null. */
  push(bytes: string): string | null;
  /** From 0 to 1 over what is known so far; null before anything is. */
  fraction(): number | null;
}

/** Downloading is most of the time, unpacking the rest. */
const DOWNLOAD_SHARE = 0.8;

/** Reads the stream of a pull: one JSON object a line, one `id` a layer. */
export function makePullProgress(): PullProgress {
  const layers = new Map<string, { downloaded: number; unpacked: number; total: number }>();
  let rest = '';
  let highest = 0;

  const take = (line: string): string | null => {
    const { data } = PullLine.safeParse(parseJson(line));
    if (!data) return null;
    if (data.error !== undefined) return data.error;
    const { id, status, progressDetail: { current = 0, total = 0 } = {} } = data;
    if (id === undefined) return null;
    const layer = layers.get(id) ?? { downloaded: 0, unpacked: 0, total: 0 };
    if (total > 0) layer.total = Math.max(layer.total, total);
    if (status === 'Downloading') layer.downloaded = current;
    if (status === 'Download complete') layer.downloaded = layer.total;
    if (status === 'Extracting') {
      layer.downloaded = layer.total;
      layer.unpacked = current;
    }
    if (status === 'Pull complete') [layer.downloaded, layer.unpacked] = [layer.total, layer.total];
    layers.set(id, layer);
    return null;
  };

  return {
    push(bytes) {
      const lines = (rest + bytes).split('\n');
      rest = lines.pop() ?? '';
      let failure: string | null = null;
      for (const line of lines) failure ??= take(line.trim());
      return failure;
    },
    fraction() {
      let done = 0;
      let all = 0;
      for (const { downloaded, unpacked, total } of layers.values()) {
        done += DOWNLOAD_SHARE * downloaded + (1 - DOWNLOAD_SHARE) * unpacked;
        all += total;
      }
      if (all === 0) return null;
      // Layers become known one by one; a bar that goes back tells nothing.
      highest = Math.max(highest, Math.min(1, done / all));
      return highest;
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
