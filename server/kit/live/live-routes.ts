import type { Binder } from '#kit/http/bind-route.ts';
import { openEventStream } from '#kit/http/event-stream.ts';
import type { ChangeFeed } from '#kit/live/change-feed.ts';
import * as routes from '@sodate/contract/live.ts';

export function bindLiveRoutes(binder: Binder, { changes }: { readonly changes: ChangeFeed }): void {
  binder.bind(routes.followChanges, async ({ tenant, request, reply }) => {
    const stream = openEventStream(request, reply);
    if (stream.signal.aborted) return;
    const unsubscribe = changes.subscribe((change) => {
      if (change === 'reload') return void stream.send('reload', {});
      if (change.tenant !== null && change.tenant !== tenant.id) return;
      void stream.send('change', { topic: change.topic, id: change.id, change: change.change });
    });
    stream.signal.addEventListener('abort', unsubscribe, { once: true });
  });
}
