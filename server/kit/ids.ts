import { v7 } from 'uuid';

/** A new UUIDv7, branded by the caller's type: `newId<RunId>()`. Made by the program, so a row's id is known before it is stored. */
export const newId = <Id extends string>(): Id => v7() as Id;
