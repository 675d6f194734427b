import { type ComponentProps, Suspense } from 'react';
import { lazyPart } from '../../kit/lazy-part.ts';
import type { PreviewDialog } from './preview-dialog.tsx';

const Dialog = lazyPart(
  () => import('./preview-dialog.tsx'),
  (part) => part.PreviewDialog,
);

/** A look into a file. Fetched when somebody first takes one. */
export const LazyPreviewDialog = (props: ComponentProps<typeof PreviewDialog>) => (
  <Suspense fallback={null}>
    <Dialog {...props} />
  </Suspense>
);
