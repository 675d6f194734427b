import type { ErrorParams } from '@sodate/contract/errors.ts';
import type { SearchedThing } from '@sodate/contract/search.ts';
import { searchProblemInJapanese } from './problems-ja.ts';

/** Why a search is not understood; what this page does not know yet, as the server says it. */
export const ProblemInJapanese = ({
  thing,
  params,
  otherwise,
}: {
  readonly thing: SearchedThing;
  readonly params: ErrorParams;
  readonly otherwise: string;
}) => {
  const problem = searchProblemInJapanese(thing, params);
  return problem === null ? otherwise : `${params['at']} 文字目: ${problem}`;
};
