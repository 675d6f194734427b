import { verifyBackup as verify } from '#backup/verify-backup.ts';
import { makeBackup as make, type BackupSource } from '#backup/make-backup.ts';
import { restoreBackup as restore, type RestorePlace, UNFINISHED_RESTORE, unfinishedRestore } from '#backup/restore-backup.ts';
import type { BackupManifest } from '#backup/backup-manifest.ts';
import { existsSync } from 'node:fs';
import path from 'node:path';

/**
 * Copies of a whole installation: database, files of data, outputs and logs of runs, the commits that runs stand on, and
 * the key. Made while the server runs, complete by themselves, checked byte by byte before they are put back.
 * What goes wrong in ways that people can mend is a `BackupError`.
 */

export const makeBackup = (source: BackupSource, target: string, earlier: string | null): Promise<BackupManifest> => make(source, target, earlier);

export const verifyBackup = (folder: string): Promise<BackupManifest> => verify(folder);

export const restoreBackup = (backup: string, place: RestorePlace): Promise<BackupManifest> => restore(backup, place);

/** Why no server may start on this home: a restore into it was cut off. Null when nothing speaks against it. */
export const findUnfinishedRestore = (home: string): string | null => (existsSync(path.join(home, UNFINISHED_RESTORE)) ? unfinishedRestore(home) : null);
