/** Lets the server do other things: between pieces of work that each take some ten milliseconds. */
export const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
