/** The records of the zip format, with zip64's where a number does not fit. Names are UTF-8; times are kept to the second, in UTC. */
export interface ZipMember {
  readonly name: Buffer;
  readonly modifiedAt: Date;
  readonly isFolder: boolean;
  readonly deflated: boolean;
  /** Checksum and sizes stand behind the bytes, because they were not known before. */
  readonly streamed: boolean;
  /** May become larger than 32 bits can say, so its sizes are written in 64. */
  readonly large: boolean;
}

export interface ZipSizes {
  readonly crc: number;
  readonly stored: number;
  readonly whole: number;
}

const MAX_32 = 0xffffffff;
const VERSION = 20;
const VERSION_ZIP64 = 45;
const MADE_BY_UNIX = 3 << 8;
const UTF8_NAMES = 1 << 11;
const SIZES_BEHIND = 1 << 3;
const NOTHING: ZipSizes = { crc: 0, stored: 0, whole: 0 };

export function localHeader(member: ZipMember, known: ZipSizes | null): Buffer {
  const sizes = known ?? NOTHING;
  const extra = member.large ? zip64Extra([sizes.whole, sizes.stored]) : Buffer.alloc(0);
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(member.large ? VERSION_ZIP64 : VERSION, 4);
  writeCommon(header, 6, member, sizes, member.large);
  header.writeUInt16LE(extra.length, 28);
  return Buffer.concat([header, member.name, extra]);
}

/** Behind the bytes of a streamed member. */
export function dataDescriptor(member: ZipMember, sizes: ZipSizes): Buffer {
  const record = Buffer.alloc(member.large ? 24 : 16);
  record.writeUInt32LE(0x08074b50, 0);
  record.writeUInt32LE(sizes.crc, 4);
  if (member.large) {
    record.writeBigUInt64LE(BigInt(sizes.stored), 8);
    record.writeBigUInt64LE(BigInt(sizes.whole), 16);
  } else {
    record.writeUInt32LE(sizes.stored, 8);
    record.writeUInt32LE(sizes.whole, 12);
  }
  return record;
}

export function centralRecord(member: ZipMember, sizes: ZipSizes, offset: number): Buffer {
  const far = offset >= MAX_32;
  const wide = [...(member.large ? [sizes.whole, sizes.stored] : []), ...(far ? [offset] : [])];
  const extra = Buffer.concat([unixTime(member.modifiedAt), ...(wide.length > 0 ? [zip64Extra(wide)] : [])]);
  const record = Buffer.alloc(46);
  record.writeUInt32LE(0x02014b50, 0);
  record.writeUInt16LE(MADE_BY_UNIX | VERSION_ZIP64, 4);
  record.writeUInt16LE(wide.length > 0 ? VERSION_ZIP64 : VERSION, 6);
  writeCommon(record, 8, member, sizes, member.large);
  record.writeUInt16LE(extra.length, 30);
  // Who may read and write: never the job's own bits, such as set-uid.
  record.writeUInt32LE(((member.isFolder ? 0o40755 : 0o100644) << 16) >>> 0, 38);
  record.writeUInt32LE(far ? MAX_32 : offset, 42);
  return Buffer.concat([record, member.name, extra]);
}

/** What stands at the end: how many members there are, and where their list begins. */
export function endRecords(count: number, listAt: number, listBytes: number): Buffer {
  const parts: Buffer[] = [];
  if (count >= 0xffff || listAt >= MAX_32 || listBytes >= MAX_32) {
    const wide = Buffer.alloc(56);
    wide.writeUInt32LE(0x06064b50, 0);
    wide.writeBigUInt64LE(44n, 4);
    wide.writeUInt16LE(MADE_BY_UNIX | VERSION_ZIP64, 12);
    wide.writeUInt16LE(VERSION_ZIP64, 14);
    for (const [at, value] of [
      [24, count],
      [32, count],
      [40, listBytes],
      [48, listAt],
    ] as const)
      wide.writeBigUInt64LE(BigInt(value), at);
    const locator = Buffer.alloc(20);
    locator.writeUInt32LE(0x07064b50, 0);
    locator.writeBigUInt64LE(BigInt(listAt + listBytes), 8);
    locator.writeUInt32LE(1, 16);
    parts.push(wide, locator);
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Math.min(count, 0xffff), 8);
  end.writeUInt16LE(Math.min(count, 0xffff), 10);
  end.writeUInt32LE(Math.min(listBytes, MAX_32), 12);
  end.writeUInt32LE(Math.min(listAt, MAX_32), 16);
  return Buffer.concat([...parts, end]);
}

/** Flags, method, time, checksum, sizes and the length of the name, which stand in this order in both headers. */
function writeCommon(record: Buffer, at: number, member: ZipMember, sizes: ZipSizes, large: boolean): void {
  record.writeUInt16LE(UTF8_NAMES | (member.streamed ? SIZES_BEHIND : 0), at);
  record.writeUInt16LE(member.deflated ? 8 : 0, at + 2);
  record.writeUInt32LE(dosTime(member.modifiedAt), at + 4);
  record.writeUInt32LE(sizes.crc, at + 8);
  record.writeUInt32LE(large ? MAX_32 : sizes.stored, at + 12);
  record.writeUInt32LE(large ? MAX_32 : sizes.whole, at + 16);
  record.writeUInt16LE(member.name.length, at + 20);
}

function zip64Extra(values: readonly number[]): Buffer {
  const extra = Buffer.alloc(4 + values.length * 8);
  extra.writeUInt16LE(0x0001, 0);
  extra.writeUInt16LE(values.length * 8, 2);
  values.forEach((value, index) => extra.writeBigUInt64LE(BigInt(value), 4 + index * 8));
  return extra;
}

function unixTime(at: Date): Buffer {
  const extra = Buffer.alloc(9);
  extra.writeUInt16LE(0x5455, 0);
  extra.writeUInt16LE(5, 2);
  extra.writeUInt8(1, 4);
  extra.writeInt32LE(Math.max(-0x80000000, Math.min(0x7fffffff, Math.floor(at.getTime() / 1000))), 5);
  return extra;
}

/** Years before 1980 and after 2107 cannot be said. */
function dosTime(at: Date): number {
  const year = at.getUTCFullYear();
  if (!(year >= 1980)) return 0x00210000;
  if (year > 2107) return 0xff9fbf7d;
  const date = ((year - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate();
  const time = (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1);
  return ((date << 16) | time) >>> 0;
}
