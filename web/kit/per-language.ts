/**
 * Makes one for each language, when it is first asked for: to make a formatter takes 20 to 80 times as long as to
 * write a text with it, and a list writes hundreds. What is kept can be made anew at any time, so nothing depends on it.
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
