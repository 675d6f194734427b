import { useEffect } from 'react';

/** The tab's title: the page first, because tabs are narrow. */
export function usePageTitle(...parts: readonly (string | undefined)[]): void {
  const title = [...parts.filter((part) => part !== undefined && part !== ''), 'Sodate'].join(' · ');
  useEffect(() => {
    document.title = title;
  }, [title]);
}
