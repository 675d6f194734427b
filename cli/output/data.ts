import type { Data } from '@sodate/contract/data.ts';
import { formatBytes } from './bytes.ts';
import { fields } from './table.ts';
import { formatTime } from './time.ts';

export const formatData = (data: Data): string =>
  fields([
    ['Data', `#${data.number} ${data.name}`],
    ['Memo', data.memo],
    ['Tags', data.tags.join(', ')],
    ['Derived from', data.parent === null ? null : `#${data.parent.number} ${data.parent.name}`],
    ['Files', data.fileCount === 0 ? 'none' : `${data.fileCount}, ${formatBytes(data.totalSize)}`],
    ['Created', `${formatTime(data.createdAt)} by ${data.createdBy.name}`],
    ['Id', data.id],
  ]);
