/** What may be shown as a picture, by its first bytes, whatever a job called it: nothing else is ever given to `<img>`. */
export function pictureType(bytes: ArrayBuffer): 'image/png' | 'image/jpeg' | 'image/gif' | null {
  const head = [...new Uint8Array(bytes, 0, Math.min(8, bytes.byteLength))];
  const begins = (...wanted: number[]): boolean => wanted.every((byte, index) => head[index] === byte);
  if (begins(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return 'image/png';
  if (begins(0xff, 0xd8, 0xff)) return 'image/jpeg';
  return begins(0x47, 0x49, 0x46, 0x38) ? 'image/gif' : null;
}
