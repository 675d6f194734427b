import type { ErrorThing } from '@sodate/contract/errors.ts';
import type { Affected } from '@sodate/contract/lineage.ts';
import { printable } from './table.ts';

const KIND_WORDS: Readonly<Record<string, string>> = { data: 'data', dataset: 'data set', run: 'run', commit: 'commit' };
const PLURALS: Readonly<Record<string, string>> = { data: 'data', dataset: 'data sets', run: 'runs', commit: 'commits' };

/** `data set #3 digits`: a line for each thing. */
export const thingLines = (things: readonly ErrorThing[]): string[] =>
  things.map(({ kind, reference, name }) => `  ${KIND_WORDS[kind] ?? kind} ${printable(`${reference} ${name}`)}`);

export function affectedText({ deletable, blockedBy, leaves, descendants }: Affected): string {
  const counts = Object.entries(descendants.counts)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${count.toLocaleString('en')} ${(count === 1 ? KIND_WORDS : PLURALS)[kind] ?? kind}`);
  const more = (listed: number, { total }: Affected['leaves']): string[] =>
    total.count > listed ? [`  and ${(total.count - listed).toLocaleString('en')}${total.exact ? '' : ' or more'} more`] : [];
  return [
    blockedBy.items.length === 0 ? (deletable ? 'It can be deleted.' : 'There is nothing to delete.') : 'It cannot be deleted while these stand on it:',
    ...thingLines(blockedBy.items),
    ...more(blockedBy.items.length, blockedBy),
    ...(leaves.items.length === 0 ? [] : ['It would leave these data sets:', ...thingLines(leaves.items), ...more(leaves.items.length, leaves)]),
    counts.length === 0 ? 'Nothing came from it.' : `Came from it, near or far: ${counts.join(', ')}${descendants.exact ? '' : ', and more'}.`,
  ].join('\n');
}
