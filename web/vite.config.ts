import react from '@vitejs/plugin-react';
import { defineConfig, loadEnv } from 'vite';

/**
 * `npx vite build web` writes web/dist, which the server serves as it is. Nothing is inlined, so that the pages live under
 * `default-src 'self'; style-src 'self' 'unsafe-inline'` (Mantine sets style attributes).
 * For development: `SODATE_DEV_SERVER=http://127.0.0.1:8080 npx vite web`.
 */
// oxlint-disable-next-line no-default-export -- Vite reads its configuration from the default export
export default defineConfig(({ mode }) => {
  const server = loadEnv(mode, process.cwd(), 'SODATE_')['SODATE_DEV_SERVER'] ?? 'http://127.0.0.1:8080';
  return {
    root: import.meta.dirname,
    base: '/',
    plugins: [react()],
    build: {
      outDir: 'dist',
      emptyOutDir: true,
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      // In kB before compression; `first-load.test.ts` sees to what counts.
      chunkSizeWarningLimit: 1_000,
      target: 'es2022',
      // The first with `light-dark()`; for older ones it would be rewritten into something that Mantine's theme switch does not reach.
      cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
      rolldownOptions: {
        // `contract` is one chunk, so that `kit/no-eval.ts` runs between zod and the first schema made with it.
        // Without the metrics, which come with the pages that show them and import zod from that chunk.
        // What is there from the beginning is one file too, and what many pages need is another: fifty small ones took a sixth of
        // a browser's processor time, though they came from its cache. Shared by fewer, it would be too much for the first load.
        output: {
          codeSplitting: {
            groups: [
              { name: 'contract', test: /[\\/](zod|contract)[\\/](?!metrics\.ts$)|no-eval\.ts$/, priority: 2 },
              { name: 'frame', tags: ['$initial'], priority: 1 },
              { name: 'often', minShareCount: 6 },
            ],
          },
        },
      },
    },
    // The browser's Origin is kept: the server sees the address that `SODATE_PUBLIC_URL` must then name.
    server: { host: '127.0.0.1', proxy: { '/v1': { target: server } } },
  };
});
