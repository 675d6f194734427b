import { parseImage } from './image-reference.ts';
import { runWords, type RunWords } from '@sodate/contract/run-words.ts';

export type PullFailure =
  /** What the registry said will not change by itself: it stands in the words. */
  | { readonly kind: 'refused'; readonly words: RunWords }
  | { readonly kind: 'no-answer'; readonly words: RunWords }
  /** The engine's own trouble, such as a full disk. */
  | { readonly kind: 'engine'; readonly message: string };

/** What a failed pull means, told apart by the engine's words: it has no codes for them. */
export function describePullFailure(image: string, allSaid: string, hasCredential: boolean): PullFailure {
  const said = allSaid.trim().slice(0, 500);
  const why = withoutNames(image, allSaid);
  if (/no space left on device|disk quota exceeded/i.test(why)) return { kind: 'engine', message: `There is no room for the image ${image}: ${allSaid}` };
  if (/no matching manifest|does not match the specified platform|image operating system/i.test(why)) {
    return { kind: 'refused', words: runWords('image-for-other-machine', { image, said }) };
  }
  if (/unauthorized|authentication required|no basic auth credentials|incorrect username or password|denied|forbidden|\b40[13]\b/i.test(why)) {
    if (/repository does not exist|pull access denied/i.test(why) && !hasCredential) {
      return { kind: 'refused', words: runWords('image-missing-or-private', { image, said }) };
    }
    return { kind: 'refused', words: runWords(hasCredential ? 'image-credential-refused' : 'image-credential-needed', { image, said }) };
  }
  if (/manifest unknown|manifest for .* not found|name unknown|repository name not known|not found|does not exist/i.test(why)) {
    return { kind: 'refused', words: runWords('image-missing', { image, said }) };
  }
  if (/invalid reference format|repository name must|invalid checksum|invalid digest/i.test(why)) {
    return { kind: 'refused', words: runWords('image-name-refused', { image: JSON.stringify(image), said }) };
  }
  if (
    /no such host|connection refused|i\/o timeout|timeout|TLS|x509|server gave HTTP response|proxyconnect|EOF|network is unreachable|no route|lookup|reset by peer/i.test(
      why,
    )
  ) {
    return { kind: 'no-answer', words: runWords('registry-no-answer', { image, said }) };
  }
  return { kind: 'refused', words: runWords('image-not-pulled', { image, said }) };
}

/** Addresses and names may hold any word and any number, as port 40309 does, and say nothing of why it failed. */
function withoutNames(image: string, said: string): string {
  const { repository } = parseImage(image);
  const withoutAddresses = said
    .replaceAll(/\bhttps?:\/\/[^\s"]+/g, '')
    .replaceAll(/[\w.-]+:\d+\b/g, '')
    .replaceAll(/\blookup \S+/g, 'lookup');
  return repository.includes('/') ? withoutAddresses.replaceAll(repository, '') : withoutAddresses;
}
