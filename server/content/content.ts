import { type ContentAddresses, makeContentAddresses } from '#content/content-address.ts';
import { makeContentDoor } from '#content/content-door.ts';
import type { ContentSource } from '#content/content-source.ts';
import { makeDataSource } from '#content/data-source.ts';
import { makeFolderSource } from '#content/folder-source.ts';
import { openContent } from '#content/open-content.ts';
import { type LiveOpening, type Opened, sweepOpenings } from '#content/opening-store.ts';
import { PASS_THROUGH_LIMITS, type PassThroughLimits, type Upstream } from '#content/pass-through.ts';
import type { Clock } from '#kit/clock.ts';
import type { Database } from '#kit/db/open-database.ts';
import type { ForeignFolders } from '#kit/foreign-folders/foreign-folders.ts';
import type { Binder } from '#kit/http/bind-route.ts';
import type { OtherHosts } from '#kit/http/serve-by-host.ts';
import type { Log } from '#kit/log.ts';
import type { ObjectStore } from '#kit/object-store/object-store.ts';
import type { RunFolders } from '#staging/run-folders.ts';
import * as routes from '@sodate/contract/content.ts';
import type { TenantId } from '@sodate/contract/ids.ts';

export interface ContentParts {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly folders: RunFolders;
  readonly foreignFolders: Pick<ForeignFolders, 'list'>;
  readonly store: Pick<ObjectStore, 'read'>;
  readonly publicUrl: string | null;
  readonly contentHost: string | null;
  /** Finds the program that an opening of the kind `upstream` stands for. Without it there are none, and no route makes such openings. */
  readonly upstreamOf?: (opening: LiveOpening) => Promise<Upstream | null>;
  readonly limits?: PassThroughLimits;
}

/**
 * What jobs and people wrote, shown in a browser as what it is: pages, pictures, notebooks. It can be hostile, so it is
 * served from hosts of its own, a fresh one for each opening, from which the platform cannot be reached with anybody's
 * rights. Promises: an address opens one thing, for one browser, once, and for as long as the person could see it on the
 * platform; nothing that is shown there learns anything of the platform or of another opening.
 */
export interface Content {
  /** The content hosts, for the server that listens. */
  readonly hosts: OtherHosts & { readonly framed: readonly string[] };
  bindRoutes(binder: Binder): void;
  sweep(now: Date): Promise<void>;
}

export function makeContent(parts: ContentParts): Content {
  const { db, clock } = parts;
  const addresses: ContentAddresses = makeContentAddresses(parts);

  function sourceOf({ tenant, opened }: { readonly tenant: TenantId; readonly opened: Opened }): ContentSource | null {
    switch (opened.kind) {
      case 'output':
        return makeFolderSource(parts.folders.output(opened.run), parts.foreignFolders);
      case 'attachments':
        return makeFolderSource(parts.folders.attach(opened.run), parts.foreignFolders);
      case 'data':
        return makeDataSource(parts, tenant, opened.data);
      case 'upstream':
        return null;
    }
  }

  const door = makeContentDoor({
    db,
    clock,
    log: parts.log,
    addresses,
    limits: parts.limits ?? PASS_THROUGH_LIMITS,
    sourceOf,
    upstreamOf: parts.upstreamOf ?? (async () => null),
  });

  return {
    hosts: { ...door, owns: addresses.owns, framed: addresses.framed },
    bindRoutes(binder) {
      binder.bind(routes.openContent, ({ tenant, caller, body, request }) =>
        openContent({ db, addresses, sourceOf }, { tenant: tenant.id, caller, host: request.headers.host ?? '', target: body }, clock.now()),
      );
    },
    sweep: (now) => sweepOpenings(db, now),
  };
}
