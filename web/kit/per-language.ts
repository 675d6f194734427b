/**
 * Makes one for each language, when it is first asked for: a formatter takes as long to make as a hundred texts to write,
 * and a list writes hundreds. What is kept can be made anew at any time, so nothing depends on it.
 */
export function perLanguage<T>(make: (language: string) => T): (language: string) => T {
  const made = new Map<string, T>();
  return (language) => {
    const known = made.get(language);
    if (known !== undefined) return known;
    const fresh = make(language);
    made.set(language, fresh);
    return fresh;
  };
}
