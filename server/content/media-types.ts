/** By the end of a name. What is not here is bytes, which browsers save: they guess nothing of what we say nothing of. */
const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html',
  htm: 'text/html',
  xhtml: 'application/xhtml+xml',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  mjs: 'text/javascript; charset=utf-8',
  json: 'application/json',
  map: 'application/json',
  ipynb: 'application/json',
  wasm: 'application/wasm',
  svg: 'image/svg+xml',
  png: 'image/png',
  apng: 'image/apng',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  avif: 'image/avif',
  bmp: 'image/bmp',
  ico: 'image/x-icon',
  pdf: 'application/pdf',
  mp4: 'video/mp4',
  webm: 'video/webm',
  mp3: 'audio/mpeg',
  ogg: 'audio/ogg',
  wav: 'audio/wav',
  flac: 'audio/flac',
  woff: 'font/woff',
  woff2: 'font/woff2',
  ttf: 'font/ttf',
  otf: 'font/otf',
  xml: 'application/xml',
};

const TEXT = new Set(
  'txt log md rst csv tsv jsonl ndjson yaml yml toml ini cfg conf py ipy r jl sh c h cc cpp hpp cu java go rs ts tsx jsx sql tex bib'.split(' '),
);

export function mediaTypeOf(name: string): string {
  const end = endOf(name);
  return TYPES[end] ?? (TEXT.has(end) ? 'text/plain; charset=utf-8' : 'application/octet-stream');
}

export const endOf = (name: string): string => /\.([A-Za-z0-9]{1,8})$/.exec(name)?.[1]?.toLowerCase() ?? '';

/** How far into a page its own word on its characters may stand, by HTML. */
export const CHARSET_BYTES = 1024;

/** Pages say themselves in which characters they are; of those that do not, today nearly all are UTF-8. */
export function withCharset(type: string, beginning: Buffer): string {
  if (type !== 'text/html') return type;
  const marked = beginning.length >= 2 && [0xfeff, 0xfffe].includes(beginning.readUInt16BE(0));
  return marked || /<meta[^>]+charset/i.test(beginning.toString('latin1')) ? type : `${type}; charset=utf-8`;
}
