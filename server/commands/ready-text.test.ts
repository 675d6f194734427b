import { findReadyText, readyText } from '#commands/ready-text.ts';
import { describe, expect, it } from 'vitest';

const LOG_LINE = '{"level":30,"msg":"a message of the log"}\n';
const TEXT = readyText('http://127.0.0.1:7363', 'http://127.0.0.1:7363/first-sign-in#secret');

describe('what a server says when it serves', () => {
  it('is found whole among log lines, whatever comes after', () => {
    expect(findReadyText(`${LOG_LINE}${TEXT}${LOG_LINE}{"level":30,"ms`)).toBe(TEXT.trimEnd());
    expect(findReadyText(readyText('https://sodate.example.org', null))).toBe('Sodate is ready at https://sodate.example.org');
  });

  it('is not there before its last byte, so that nobody is told a part of it', () => {
    for (let length = 0; length < TEXT.length; length += 1) expect(findReadyText(LOG_LINE + TEXT.slice(0, length))).toBeNull();
  });
});
