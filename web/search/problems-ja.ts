import { type FieldType, SEARCH_FIELDS } from './search-fields.ts';
import type { ErrorParams } from '@sodate/contract/errors.ts';
import type { SearchedThing } from '@sodate/contract/search.ts';

/* What is wrong with a search, in Japanese: made from the code and the parts that the error carries. English is the server's own sentence. */

/** By the server's codes; a test compares the two. */
export const SEARCH_PROBLEMS_JA: Readonly<Record<string, string>> = {
  'unclosed-quote': '引用符が閉じられていません。引用符そのものを含めるには \\" と書きます。',
  'value-missing': 'ここに値がありません。',
  'range-without-end': '範囲には、10..20、10..、..20 のように少なくとも一方の端が必要です。',
  'too-many-values': '値は {limit} 個までです。',
  'name-missing': '{field} の後ろに名前がありません。',
  'double-negation': '否定は 1 つで十分です。',
  brackets: '括弧に意味はありません。括弧を含む語句は引用符で囲んでください。',
  'condition-missing': 'ここに条件がありません。',
  or: '条件はすべて満たす必要があり、「または」は使えません。1 つの項目に複数の値を指定するには state:failed,cancelled のように書きます。語句として探すには "or" とします。',
  'too-many-conditions': '条件は {limit} 個までです。',
  'space-missing': 'ここに空白が必要です。',
  'text-too-short': '語句は {limit} 文字以上(文字または数字)にしてください。条件は tag:new のように書きます。',
  'unknown-field': '{field} という項目はありません。使えるもの: {known}。{operator} を含む語句は引用符で囲んでください。',
  'operator-not-taken': '{field} の比較に使えるのは {operators} だけです。',
  'one-value': '{operator} に指定できる値は 1 つです。',
  'range-needs-colon': '範囲はコロンで指定します: {field}:from..to',
  'no-ranges': '{field} には{takes}を指定します。範囲は使えません。',
  'wrong-value': '{field} には{takes}を指定します。',
};

const TAKES: Readonly<Record<Exclude<FieldType, 'choice'>, string>> = {
  text: '、3 文字以上の語句({field}:一部)、または全体({field}="全体")',
  number: '、12 や 0.5 のような数値、または 10..20 のような範囲',
  size: '、500、20MB、1.5GiB のようなサイズ、またはその範囲',
  duration: '、30s、5m、2h、1d のような時間、またはその範囲',
  date: '、2026、2026-01、2026-01-31、2026-01-31T12:00:00Z のような日時(UTC)、now-7d のような過去の時点、またはその範囲',
  tag: 'タグ全体',
  person: 'ユーザーの名前または ID',
  reference: '、12 や training-12 のような番号、名前、または ID',
};

/** @returns null for a code that is not known here, as a newer server may have */
export function searchProblemInJapanese(thing: SearchedThing, params: ErrorParams): string | null {
  const why = String(params['why'] ?? '');
  const sentence = Object.hasOwn(SEARCH_PROBLEMS_JA, why) ? SEARCH_PROBLEMS_JA[why] : undefined;
  if (sentence === undefined) return null;
  const fill = (text: string): string =>
    text.replaceAll(/\{(\w+)\}/g, (whole, name: string) =>
      name === 'takes' ? fill(takesOf(thing, String(params['field'] ?? ''))) : String(params[name] ?? whole),
    );
  return fill(sentence);
}

function takesOf(thing: SearchedThing, name: string): string {
  const field = SEARCH_FIELDS[thing].find((one) => one.name === name);
  if (field === undefined) return '別の値';
  return field.type === 'choice' ? `、${(field.values ?? []).join('、')} のいずれか` : TAKES[field.type];
}
