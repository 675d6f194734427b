import type { ErrorParams, ErrorThing } from '@sodate/contract/errors.ts';
import type { JapaneseValue } from './fill-japanese.ts';

/* Words that stand inside the texts of errors. What is not here stays as the server wrote it. */

/** Only these hold words of the server's; the others hold names that people gave, and what tools said. */
const WORD_PLACES: ReadonlySet<string> = new Set([
  'thing',
  'things',
  'state',
  'needed',
  'users',
  'holds',
  'missing',
  'limit',
  'asked',
  'available',
  'known',
  'place',
  'what',
  'owner',
  'origin',
]);

const WORDS_JA: Readonly<Record<string, string>> = {
  run: '実行',
  training: '学習',
  inference: '推論',
  task: 'タスク',
  tracked: '外部の実行',
  tenant: 'テナント',
  user: 'ユーザー',
  users: 'ユーザー',
  data: 'データ',
  'data set': 'データセット',
  dataset: 'データセット',
  'git endpoint': 'Git エンドポイント',
  file: 'ファイル',
  'file content': 'ファイルの内容',
  'output file': '出力ファイル',
  folder: 'フォルダー',
  artifact: '成果物',
  attachment: '添付ファイル',
  'file beside this run': '添付ファイル',
  attempt: '試行',
  upload: 'アップロード',
  experiment: '実験',
  tag: 'タグ',
  token: 'トークン',
  node: 'ノード',
  'saved search': '保存した検索',
  registry: 'レジストリ',
  'registry with an address': 'アドレスが同じレジストリ',
  'registry credential for': 'レジストリの認証',
  'git credential for': 'Git の認証',

  'files in one data': '1 つのデータに入るファイル',
  'entries in a data set': 'データセットに入るデータ',
  'attachments of one run': '1 つの実行に添付できるファイル',
  'unfinished uploads of one data': '1 つのデータの未完了のアップロード',
  'saved searches of one user in a tenant': 'テナントで 1 人が保存できる検索',
  'tokens of one user in a tenant': 'テナントで 1 人が持てるトークン',
  'registry credentials of one tenant': '1 つのテナントに登録できるレジストリの認証',
  'files in one archive; fetch its data': '1 つのアーカイブに入るファイル(データごとに取得してください)',
  'files in one archive; fetch fewer data': '1 つのアーカイブに入るファイル(データを減らしてください)',
  'entries in one archive; fetch folders of it': '1 つのアーカイブに入る項目(フォルダーごとに取得してください)',
  'entries in one archive; fetch fewer of them': '1 つのアーカイブに入る項目(数を減らしてください)',
  parameters: 'パラメーター',
  points: '点',
  series: '系列',

  'a run that has ended; stop it first': '終了した実行(先に停止してください)',
  'a run that has not ended: the output of a job is sealed': '終了していない実行(ジョブの出力は終了時に確定します)',
  'a file to remove, or a run that has ended to remove a folder of': '削除するのがファイルであるか、実行が終了していること',
  'one that has ended': '終了していること',
  'one that is open': '受付中であること',
  'one that is not; restore it first': '削除されていないこと(先に復元してください)',
  'one whose files have been read. Try again in a moment': 'ファイルの読み取りが済んでいること(しばらくしてからお試しください)',
  'an enabled user': '有効なユーザーであること',
  'another one first': '先に別のシステム管理者を有効にすること',
  'member, to share a search': 'メンバー(検索を共有する場合)',
  'admin, or to be who saved it': '管理者または保存した本人',
  'of the person: sign in with your password': '本人(パスワードでサインインしてください)',
  'of a person: jobs cannot make or end tokens': '人(ジョブはトークンを作成・無効化できません)',
  member: 'メンバー',
  viewer: '閲覧者',
  admin: '管理者',
  'system admin': 'システム管理者',

  queued: '待機中',
  starting: '開始処理中',
  running: '実行中',
  stopping: '停止処理中',
  finishing: '終了処理中',
  succeeded: '成功',
  failed: '失敗',
  cancelled: '中止',
  deleted: '削除済み',
  disabled: '無効',
  'still alive': '実行中',
  'being read': '読み取り中',
  'being completed or given up': '完了処理中または取り消し中',
  'the only system admin who may sign in': 'サインインできる唯一のシステム管理者',
  'gone, or shorter than what was read of it': '削除されたか、読み取った部分より短くなった状態',

  'runs that have not ended': '終了していない実行',
  'runs submitted just now': '投入されたばかりの実行',
  'things made just now': '作成されたばかりのもの',
  'a part': '一部のパート',
  'the server': 'サーバー',
  'the platform': 'プラットフォーム',
  'the object store': 'オブジェクトストア',
  'the cache of this machine': 'このマシンのキャッシュ',
  'this person': '本人',
  'this tenant': 'このテナント',
  'another page': 'ほかのページ',
  'any image of a registry': 'レジストリの任意のイメージ',
  none: 'なし',
};

/** What counts something, in the server's words. */
const COUNTED_JA: readonly (readonly [RegExp, string])[] = [
  [/^([\d,]+) runs?$/, '実行 $1 件'],
  [/^([\d,]+) data sets?$/, 'データセット $1 件'],
  [/^([\d,]+) data$/, 'データ $1 件'],
  [/^([\d,]+) stored files? that (?:is|are) still to be cleared away$/, '片付け待ちのファイル $1 件'],
  [/^part (\d+), which is still being sent$/, '送信中のパート $1'],
  [/^part (.+) of (\d+)$/, '全 $2 パート中のパート $1'],
  [/^(\d+) of (\d+) bytes$/, '$2 バイト中の $1 バイト'],
  [/^([\d.]+) CPU$/, 'CPU $1'],
  [/^(\d+) GPUs$/, 'GPU $1'],
  [/^(\d+) bytes of memory$/, 'メモリー $1 バイト'],
  [/^series of (\d+) points$/, '$1 点の系列'],
  [/^(.+) of JSON$/, 'JSON $1'],
  [/^a head of (\d+) bytes$/, '先頭部分 $1 バイト'],
  [/^(\d+) bytes of files in one bundle$/, '一度に送れるファイル $1 バイト'],
  [/^([\d.]+ GiB); put a larger file into a data$/, '$1(大きいファイルはデータに入れてください)'],
];

/** What an error says of a thing, as a value for its sentence in Japanese. */
export function valueInJapanese(name: string, params: ErrorParams, things: readonly ErrorThing[]): JapaneseValue | null {
  const value = params[name];
  if (value === undefined) return null;
  if (name === 'users' && things.length > 0) return { text: thingsInJapanese(things, Number(params['total'] ?? things.length)), joins: true };
  if (!WORD_PLACES.has(name) || typeof value === 'number') return { text: String(value), joins: false };
  const whole = inJapanese(value);
  if (whole !== null) return { text: whole, joins: true };
  const parts = value.split(', ').map((part) => ({ part, word: inJapanese(part) }));
  if (parts.every(({ word }) => word === null)) return { text: value, joins: false };
  return { text: parts.map(({ part, word }) => word ?? part).join('、'), joins: true };
}

function inJapanese(value: string): string | null {
  const known = wordOf(value) ?? wordOf(value.charAt(0).toLowerCase() + value.slice(1));
  if (known !== null) return known;
  for (const [pattern, text] of COUNTED_JA) if (pattern.test(value)) return value.replace(pattern, text);
  return null;
}

const wordOf = (value: string): string | null => (Object.hasOwn(WORDS_JA, value) ? (WORDS_JA[value] ?? null) : null);

/** A sentence names this many. */
const NAMED_LIMIT = 3;

function thingsInJapanese(things: readonly ErrorThing[], total: number): string {
  const named = things.slice(0, NAMED_LIMIT).map(({ kind, reference, name }) => `${kind === 'run' ? '実行' : (wordOf(kind) ?? kind)} ${reference}「${name}」`);
  const more = Math.max(total, things.length) - named.length;
  return `${named.join('、')}${more > 0 ? `ほか ${new Intl.NumberFormat('ja').format(more)} 件` : ''}`;
}
