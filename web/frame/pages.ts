import { IconAdjustments, IconDatabase, IconHome, IconPlayerPlay, IconStack2, type TablerIcon } from '@tabler/icons-react';

export type PageName = 'home' | 'data' | 'datasets' | 'runs' | 'administration';

/** The pages that the navigation, the palette and the keyboard lead to; `key` follows a `g`. */
export const PAGES = {
  home: { to: '/tenants/$tenant', icon: IconHome, key: 'h' },
  data: { to: '/tenants/$tenant/data', icon: IconStack2, key: 'd' },
  datasets: { to: '/tenants/$tenant/datasets', icon: IconDatabase, key: 's' },
  runs: { to: '/tenants/$tenant/runs', icon: IconPlayerPlay, key: 'r' },
  administration: { to: '/tenants/$tenant/administration', icon: IconAdjustments, key: 'a' },
} as const satisfies Readonly<Record<PageName, { readonly to: string; readonly icon: TablerIcon; readonly key: string }>>;

/** Which of them an address lies on. */
export function pageOfPath(path: string): PageName {
  const segment = path.split('/')[3] ?? '';
  if (segment === 'compare') return 'runs';
  return segment === 'data' || segment === 'datasets' || segment === 'runs' || segment === 'administration' ? segment : 'home';
}
