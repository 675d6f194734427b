import { type ComponentType, lazy, type LazyExoticComponent } from 'react';
import { loadPart } from './load-part.ts';

/** A component of a part of the pages that is fetched when it is first shown. */
export const lazyPart = <Part, Props>(load: () => Promise<Part>, pick: (part: Part) => ComponentType<Props>): LazyExoticComponent<ComponentType<Props>> =>
  lazy(async () => ({ default: pick(await loadPart(load)) }));
