import { ApiError, ConnectionError, UnexpectedAnswer } from '@sodate/client/connection-errors.ts';
import { type ErrorParams, type ErrorThing, isSodateError, type SodateError } from '@sodate/contract/errors.ts';
import type { TFunction } from 'i18next';
import { ERRORS_JA } from '../kit/i18n/errors-ja.ts';

export interface ErrorWords {
  readonly text: string;
  readonly code: string | null;
  readonly requestId: string | null;
  /** What stands in the way, such as runs that use what was to be deleted. */
  readonly things: readonly ErrorThing[];
}

/** What an error says to people, in their language. English is the server's own text, which may know more than we do. */
export function errorWords(error: unknown, t: TFunction, language: string): ErrorWords {
  if (isSodateError(error)) {
    const text = language === 'ja' ? fill(ERRORS_JA[error.code], paramsInJapanese(error)) : error.message;
    return { text, code: error.code, requestId: error instanceof ApiError ? error.requestId : null, things: error.things };
  }
  if (error instanceof ConnectionError) return { text: t('error.connection'), code: null, requestId: null, things: [] };
  if (error instanceof UnexpectedAnswer) return { text: t('error.unexpected'), code: null, requestId: null, things: [] };
  return { text: `${t('error.unknown')} ${error instanceof Error ? error.message : ''}`.trim(), code: null, requestId: null, things: [] };
}

/** Words that stand inside the texts; what is not here stays as the server wrote it. */
const WORDS_JA: Readonly<Record<string, string>> = {
  run: '実行',
  Run: '実行',
  tenant: 'テナント',
  Tenant: 'テナント',
  user: 'ユーザー',
  User: 'ユーザー',
  data: 'データ',
  Data: 'データ',
  'data set': 'データセット',
  'Data set': 'データセット',
  'git endpoint': 'Git エンドポイント',
  'Git endpoint': 'Git エンドポイント',
  dataset: 'データセット',
  file: 'ファイル',
  'file content': 'ファイルの内容',
  'output file': '出力ファイル',
  folder: 'フォルダー',
  attachment: '添付ファイル',
  'file beside this run': '添付ファイル',
  attempt: '試行',
  upload: 'アップロード',
  Upload: 'アップロード',
  experiment: '実験',
  Experiment: '実験',
  tag: 'タグ',
  token: 'トークン',
  node: 'ノード',
  users: 'ユーザー',
  'saved search': '保存した検索',
  registry: 'レジストリ',
  Registry: 'レジストリ',
  'registry credential for': 'レジストリの認証',
  'git credential for': 'Git の認証',
  'a run that has ended; stop it first': '終了した実行(先に停止してください)',
  'files in one data': '1 つのデータに入るファイル',
  'entries in a data set': 'データセットに入るデータ',
  'attachments of one run': '1 つの実行に添付できるファイル',
  'unfinished uploads of one data': '1 つのデータの未完了のアップロード',
  'saved searches of one user in a tenant': 'テナントで 1 人が保存できる検索',
  'tokens of one user in a tenant': 'テナントで 1 人が持てるトークン',
  parameters: 'パラメーター',
  points: '点',
  series: '系列',
  member: 'メンバー',
  viewer: '閲覧者',
  admin: '管理者',
  queued: '待機中',
  starting: '開始処理中',
  running: '実行中',
  stopping: '停止処理中',
  finishing: '終了処理中',
  succeeded: '成功',
  failed: '失敗',
  cancelled: '中止',
};

/** What is listed below the sentence need not be named in it, in English. */
const paramsInJapanese = ({ params, things }: Pick<SodateError, 'params' | 'things'>): ErrorParams =>
  things.length === 0 ? params : { ...params, users: '下記' };

const fill = (text: string, params: Readonly<Record<string, string | number>>): string =>
  text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => {
    const value = params[name];
    return value === undefined ? whole : (WORDS_JA[String(value)] ?? String(value));
  });
