import { describe, expect, it } from 'vitest';
import { formatAge, formatBytes, formatDuration, formatInstant } from './formats.ts';

describe('formats', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1 kB'],
    [1_234, '1.23 kB'],
    [999_600, '1 MB'],
    [12_345_678, '12.3 MB'],
    [1_000_000_000, '1 GB'],
    [2.5e15, '2.5 PB'],
  ])('%i bytes → %s', (bytes, text) => {
    expect(formatBytes(bytes, 'en')).toBe(text);
  });

  it.each([
    [-5_000, '0 s', '0 秒'],
    [400, '0.4 s', '0.4 秒'],
    [59_400, '59 s', '59 秒'],
    [59_600, '1 min 0 s', '1 分 0 秒'],
    [245_000, '4 min 5 s', '4 分 5 秒'],
    [3_600_000, '1 h 0 min', '1 時間 0 分'],
    [97_200_000, '1 d 3 h', '1 日 3 時間'],
  ])('%i ms → %s', (milliseconds, english, japanese) => {
    expect([formatDuration(milliseconds, 'en'), formatDuration(milliseconds, 'ja')]).toEqual([english, japanese]);
  });

  it('says an instant in a time zone', () => {
    expect(formatInstant('2026-03-01T00:05:09Z', 'en', 'Asia/Tokyo')).toBe('Mar 1, 2026, 09:05:09');
    expect(formatInstant('2026-03-01T00:05:09Z', 'ja', 'Asia/Tokyo')).toBe('2026/3/1 09:05:09');
  });

  it.each([
    [30, null],
    [-30, null],
    [90, '1 minute ago'],
    [7_300, '2 hours ago'],
    [200_000, '2 days ago'],
  ])('%i s old → %s', (seconds, text) => {
    expect(formatAge('2026-03-01T00:00:00Z', Date.parse('2026-03-01T00:00:00Z') + seconds * 1000, 'en')).toBe(text);
  });
});
