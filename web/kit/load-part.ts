/* Most of the pages is fetched when it is first needed. A network that changes at that moment breaks off what is on its way. */

/** Before each further try. */
const PAUSES_MS: readonly number[] = [100, 500, 2_000];

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Fetches a part of the pages, again and again for some seconds when that fails.
 * @throws what the last try said
 */
export async function loadPart<T>(load: () => Promise<T>, pausesMs = PAUSES_MS): Promise<T> {
  for (const milliseconds of pausesMs) {
    try {
      return await load();
    } catch {
      await pause(milliseconds);
    }
  }
  return load();
}

/** What Vite says of styles that belong to a part and could not be fetched. */
const WITHOUT_STYLES = /^Unable to preload CSS for (\S+)$/;

/** Lets a part whose styles were broken off come all the same, and fetches them again: Vite itself would give up the whole part. */
export function fetchStylesAgain(): void {
  window.addEventListener('vite:preloadError', (event) => {
    const { payload } = event as Event & { readonly payload?: Error };
    const address = WITHOUT_STYLES.exec(payload?.message ?? '')?.[1];
    if (address === undefined) return;
    event.preventDefault();
    loadPart(() => addStyles(address)).catch((error: unknown) => console.error(error));
  });
}

function addStyles(address: string): Promise<void> {
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = address;
  return new Promise((resolve, reject) => {
    link.addEventListener('load', () => resolve());
    link.addEventListener('error', () => {
      link.remove();
      reject(new Error(`${address} could not be fetched; the page lacks some of its looks.`));
    });
    document.head.append(link);
  });
}
