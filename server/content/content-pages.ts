import type { ContentFolder } from '#content/content-source.ts';
import { encodeSegment } from '#content/content-path.ts';

export const escapeHtml = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** Control characters, bytes that are not UTF-8, and marks that turn the writing direction are made visible. */
const visible = (name: string): string => escapeHtml(name.replaceAll(/[\p{Cc}\uef80-\uefff\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '\ufffd'));

const page = (language: string, title: string, body: string): string => `<!doctype html>
<html lang="${language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>
<style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
table { border-collapse: collapse } td { padding: 0.15rem 1.5rem 0.15rem 0 } td + td { text-align: right; opacity: 0.7 }
pre { overflow: auto; padding: 0.6rem; background: #8882; white-space: pre-wrap; overflow-wrap: anywhere } img { max-width: 100% }
</style></head>
<body>
${body}
</body>
</html>
`;

export const plainPage = (title: string, body: string): string => page('en', visible(title), body);

/** What there is to say instead of what was asked for. */
export type Note = 'ended' | 'not-here' | 'not-allowed' | 'not-understood' | 'upstream-away' | 'upstream-silent' | 'unavailable';

export const NOTE_STATUS: Readonly<Record<Note, number>> = {
  ended: 403,
  'not-here': 404,
  'not-allowed': 403,
  'not-understood': 400,
  'upstream-away': 502,
  'upstream-silent': 504,
  unavailable: 503,
};

const NOTES: Readonly<Record<'en' | 'ja', Readonly<Record<Note, readonly [title: string, text: string]>>>> = {
  en: {
    ended: [
      'This page has to be opened again',
      'Its address works for one browser, for some hours, and while you are signed in. Open it again from the platform.',
    ],
    'not-here': ['There is nothing here', 'No file of this name is in the folder that was opened.'],
    'not-allowed': ['This is not done here', 'What was opened can be read by its own pages only.'],
    'not-understood': ['The address cannot be read', 'Open it again from the platform.'],
    'upstream-away': ['Nothing answers here', 'The program behind this address does not run, or not any more. Look at its run on the platform.'],
    'upstream-silent': ['There is no answer', 'The program behind this address took too long to answer. Try again, or look at its run on the platform.'],
    unavailable: ['This does not work now', 'The platform cannot look it up at the moment. Try again.'],
  },
  ja: {
    ended: [
      'このページは開き直す必要があります',
      'このアドレスは 1 つのブラウザーで、数時間、サインインしている間だけ使えます。プラットフォームから開き直してください。',
    ],
    'not-here': ['ここには何もありません', '開いたフォルダーにこの名前のファイルはありません。'],
    'not-allowed': ['この操作はできません', '開いた内容を読めるのは、その中のページだけです。'],
    'not-understood': ['アドレスを読み取れません', 'プラットフォームから開き直してください。'],
    'upstream-away': ['応答するものがありません', 'このアドレスのプログラムは動いていません。プラットフォームで実行の状態を確認してください。'],
    'upstream-silent': [
      '応答がありません',
      'このアドレスのプログラムが時間内に応答しませんでした。もう一度試すか、プラットフォームで実行の状態を確認してください。',
    ],
    unavailable: ['現在表示できません', 'プラットフォームが今は確認できません。もう一度お試しください。'],
  },
};

/** @param languages the header Accept-Language */
export function notePage(note: Note, languages: string | undefined): string {
  const language = /^\s*ja\b/i.test(languages ?? '') ? 'ja' : 'en';
  const [title, text] = NOTES[language][note];
  return page(language, title, `<h1>${title}</h1>\n<p>${text}</p>`);
}

/** A folder as a plain list. Names are the job's: text, and percent-encoded in links. */
export function folderPage(path: string, folder: ContentFolder, isFirst: boolean): string {
  const rows = folder.entries.map(({ name, kind, size }) => {
    const slash = kind === 'folder' ? '/' : '';
    const shown = kind === 'other' ? visible(name) : `<a href="./${encodeSegment(name)}${slash}">${visible(name)}${slash}</a>`;
    return `<tr><td>${shown}</td><td>${size === null ? '' : size.toLocaleString('en')}</td></tr>`;
  });
  const up = path === '' ? '' : '<p><a href="../">../</a></p>';
  const next = folder.after === null ? '' : `<p><a href="./?after=${escapeHtml(encodeURIComponent(folder.after))}">→</a></p>`;
  const list = rows.length === 0 && isFirst ? '<p>–</p>' : `<table>\n${rows.join('\n')}\n</table>`;
  return plainPage(path === '' ? '/' : path, `<h1>${visible(path)}/</h1>\n${up}${list}${next}`);
}
