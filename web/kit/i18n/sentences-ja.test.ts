import { ERROR_CATALOGUE } from '@sodate/contract/errors.ts';
import { errorAsRunWords, RUN_WORDS, type RunWords, runWords } from '@sodate/contract/run-words.ts';
import { SodateError } from '@sodate/contract/errors.ts';
import { describe, expect, it } from 'vitest';
import { fillJapanese } from './fill-japanese.ts';
import { RUN_WORDS_JA } from './run-words-ja.ts';
import { errorInJapanese, runWordsInJapanese } from './sentences-ja.ts';

const places = (text: string): readonly string[] => [...text.matchAll(/\{\w+\}/g)].map((match) => match[0]).sort();

describe('what is said of runs', () => {
  it.each(Object.entries(RUN_WORDS))('%s has a Japanese sentence with the same values', (code, english) => {
    const japanese = RUN_WORDS_JA[code as keyof typeof RUN_WORDS];
    expect(places(japanese)).toEqual(places(english));
    if (code !== 'as-written') expect(japanese).toMatch(/[\p{sc=Hiragana}\p{sc=Katakana}]/u);
  });

  it.each([
    [runWords('started-on', { node: 'node1' }), 'node1 で開始'],
    [runWords('exit-code', { exitCode: 137 }), '終了コード 137'],
    [
      runWords('image-missing', { image: 'a:1', said: 'manifest unknown' }),
      'イメージ a:1 は存在しません。リポジトリとタグを確認してください(レジストリの応答: manifest unknown)',
    ],
    // What a tool said keeps its own form, whatever is in it.
    [runWords('files-not-prepared', { said: '{said} は $1' }), 'ジョブのファイルを準備できませんでした: {said} は $1'],
    [runWords('as-written', { text: 'Too much was written.' }), 'Too much was written.'],
    [
      errorAsRunWords(new SodateError('git-server-silent', { endpoint: 'github', seconds: 10 })),
      'git サーバー github は接続後 10 秒間応答しませんでした。しばらくしてからやり直してください。',
    ],
  ])('%o', (words, expected) => expect(runWordsInJapanese(words)).toBe(expected));

  it('of a code that only a newer server knows is nothing', () => {
    expect(runWordsInJapanese({ code: 'made-tomorrow', params: {} } as RunWords)).toBeNull();
    expect(runWordsInJapanese({ code: 'toString', params: {} } as RunWords)).toBeNull();
  });
});

describe('errors', () => {
  const say = (...error: ConstructorParameters<typeof SodateError>): string | null => errorInJapanese(new SodateError(...error));
  const run = (number: number) => ({ kind: 'run', id: `${number}`, reference: `training-${number}`, name: 'first' });

  it.each([
    [say('not-found', { thing: 'run', reference: 'training-3' }), '実行 training-3 は見つかりません。'],
    [say('name-taken', { thing: 'user', name: 'admin' }), 'admin という名前のユーザーはすでにあります。別の名前にしてください。'],
    [say('name-taken', { thing: 'file', name: 'データ' }), 'データ という名前のファイルはすでにあります。別の名前にしてください。'],
    [
      say('in-use', { thing: 'Registry', reference: 'hub', users: 'runs that have not ended' }),
      '終了していない実行が使用しているため、レジストリ hub は削除も変更もできません。',
    ],
    [
      say('wrong-state', { thing: 'Run', reference: 'task-1', state: 'running', needed: 'a run that has ended; stop it first' }),
      '実行 task-1 は実行中です。この操作に必要な条件: 終了した実行(先に停止してください)。',
    ],
    [
      say('tenant-not-empty', { name: 'vision', holds: '3 runs, 1 data set' }),
      'テナント vision にはまだ実行 3 件、データセット 1 件があります。先に削除してください。',
    ],
    [
      say('over-quota', { asked: '8 CPU', tenant: 'vision', limit: '4 CPU' }),
      '要求は CPU 8 ですが、テナント vision の上限は CPU 4 です。要求を減らすか、管理者に割り当ての引き上げを依頼してください。',
    ],
    [
      say('image-not-supported', { image: 'x', available: 'host, any image of a registry' }),
      'イメージ x を実行できる環境がありません。利用できるもの: host、レジストリの任意のイメージ。',
    ],
    [say('partition-unknown', { partition: 'gpu', known: 'none' }), 'パーティション gpu はありません。利用できるもの: なし。'],
    [
      say('upload-incomplete', { reference: 'u', missing: 'part 2, 5–7 of 9' }),
      'アップロード u には全 9 パート中のパート 2, 5–7 が足りません。不足分を送ってからもう一度完了してください。',
    ],
    [say('disk-full', { place: 'the server' }), 'サーバーのディスクがいっぱいで、何も保存されませんでした。空きを作ってからもう一度お試しください。'],
    [
      say(
        'in-use',
        { thing: 'Data', reference: '#3', users: 'data set #1 “set”', total: 1 },
        { things: [{ kind: 'dataset', id: '1', reference: '#1', name: 'set' }] },
      ),
      'データセット #1「set」が使用しているため、データ #3 は削除も変更もできません。',
    ],
    [
      say('in-use', { thing: 'Data set', reference: '#1', users: 'runs …', total: 1_200 }, { things: [run(1), run(2), run(3), run(4)] }),
      '実行 training-1「first」、実行 training-2「first」、実行 training-3「first」ほか 1,197 件が使用しているため、データセット #1 は削除も変更もできません。',
    ],
  ])('%s', (said, expected) => expect(said).toBe(expected));

  it('without their values are left to the text of the server', () => {
    expect(errorInJapanese({ code: 'name-taken', params: {}, things: [] })).toBeNull();
    expect(runWordsInJapanese({ code: 'started-on', params: {} } as RunWords)).toBeNull();
  });

  it('say nothing in English that has a Japanese word', () => {
    const words = { thing: 'data set', reference: '#1', state: 'failed', needed: 'one that has ended', users: 'runs that have not ended' };
    for (const [code, { text }] of Object.entries(ERROR_CATALOGUE)) {
      const params = { ...Object.fromEntries(places(text).map((place) => [place.slice(1, -1), 'x'])), ...words };
      expect(errorInJapanese({ code, params, things: [] }), code).not.toMatch(/data set|ended|failed|[{}]/);
    }
  });
});

describe('a value in a sentence', () => {
  const filled = (text: string, value: string, joins: boolean) => fillJapanese(text, () => ({ text: value, joins }));
  it.each([
    ['{a} が', '下記', true, '下記が'],
    ['{a} が', 'node1', false, 'node1 が'],
    ['「{a}」', '下記', true, '「下記」'],
    ['まだ {a} が', '実行 3 件', true, 'まだ実行 3 件が'],
    ['名前の{a}は', 'artifact', true, '名前の artifact は'],
    ['{a}{a}', 'ほか', true, 'ほかほか'],
    // A name that somebody gave stands apart, so that one sees where it begins and ends.
    ['名前 {a} は', '猫の写真', false, '名前 猫の写真 は'],
  ])('%s with %s', (text, value, joins, expected) => expect(filled(text, value, joins)).toBe(expected));

  it('that is not there leaves its place', () =>
    expect(fillJapanese('{a} と {b}', (name) => (name === 'a' ? { text: '一', joins: true } : null))).toBe('一と {b}'));
});
