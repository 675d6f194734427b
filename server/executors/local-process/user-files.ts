import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobUser } from './sandbox.ts';

export interface UserFiles {
  /** Puts `passwd` and `group`, with nobody but root and the job in them, into a folder. */
  link(user: JobUser | null, into: string): void;
}

/** Written once per user and linked into each attempt. */
export function makeUserFiles(folder: string): UserFiles {
  const written = new Map<number, string>();

  const write = (uid: number, gid: number): string => {
    const place = join(folder, `.user-${uid}`);
    mkdirSync(place, { recursive: true });
    const files = {
      passwd: `root:x:0:0:root:/root:/bin/sh\n${uid === 0 ? '' : `job:x:${uid}:${gid}::/tmp:/bin/sh\n`}nobody:x:65534:65534:nobody:/:/bin/false\n`,
      group: `root:x:0:\n${gid === 0 ? '' : `job:x:${gid}:\n`}nogroup:x:65534:\n`,
    };
    for (const [name, text] of Object.entries(files)) {
      // Renamed into place: attempts of an earlier server keep what they linked.
      const temporary = join(place, `${name}-${randomUUID()}`);
      writeFileSync(temporary, text);
      renameSync(temporary, join(place, name));
    }
    return place;
  };

  return {
    link(user, into) {
      const uid = user?.uid ?? process.getuid?.() ?? 0;
      const gid = user?.gid ?? process.getgid?.() ?? 0;
      const place = written.get(uid) ?? write(uid, gid);
      written.set(uid, place);
      for (const name of ['passwd', 'group']) linkSync(join(place, name), join(into, name));
    },
  };
}
