/** A command cannot do what it was asked, and says why and what to do. Shown without a stack. */
export class CommandError extends Error {}
