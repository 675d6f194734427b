export type PullFailure =
  /** What the registry said will not change by itself: it stands in the message. */
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'no-answer'; readonly message: string }
  /** The engine's own trouble, such as a full disk. */
  | { readonly kind: 'engine'; readonly message: string };

/** What a failed pull means, told apart by the engine's words: it has no codes for them. */
export function describePullFailure(image: string, said: string, hasCredential: boolean): PullFailure {
  const tail = `(the registry's words: ${said.trim().slice(0, 500)})`;
  if (/no space left on device|disk quota exceeded/i.test(said)) return { kind: 'engine', message: `There is no room for the image ${image}: ${said}` };
  if (/no matching manifest|does not match the specified platform|image operating system/i.test(said)) {
    return { kind: 'refused', message: `The image ${image} is not made for this machine's processor or system ${tail}` };
  }
  if (/unauthorized|authentication required|no basic auth credentials|incorrect username or password|denied|forbidden|401|403/i.test(said)) {
    if (/repository does not exist|pull access denied/i.test(said) && !hasCredential) {
      return {
        kind: 'refused',
        message: `The image ${image} does not exist, or its registry wants a credential: check the name, and store one for this registry ${tail}`,
      };
    }
    return {
      kind: 'refused',
      message: hasCredential
        ? `The registry refuses the stored credential for the image ${image}: check user name, password and rights ${tail}`
        : `The registry of the image ${image} wants a credential: store one for this registry ${tail}`,
    };
  }
  if (/manifest unknown|manifest for .* not found|name unknown|repository name not known|not found|does not exist/i.test(said)) {
    return { kind: 'refused', message: `The image ${image} does not exist: check repository and tag ${tail}` };
  }
  if (/invalid reference format|repository name must|invalid checksum|invalid digest/i.test(said)) {
    return { kind: 'refused', message: `${JSON.stringify(image)} is no name of an image ${tail}` };
  }
  if (
    /no such host|connection refused|i\/o timeout|timeout|TLS|x509|server gave HTTP response|proxyconnect|EOF|network is unreachable|no route|lookup|reset by peer/i.test(
      said,
    )
  ) {
    return { kind: 'no-answer', message: `The registry of the image ${image} does not answer: check its address, and whether this machine reaches it ${tail}` };
  }
  return { kind: 'refused', message: `The image ${image} could not be pulled ${tail}` };
}
