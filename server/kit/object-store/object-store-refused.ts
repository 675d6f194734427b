/** The server must not start with this store; the text says why and what to do. */
export class ObjectStoreRefused extends Error {}
