import { describeLocalProcess } from './describe-local-process.ts';

await describeLocalProcess({ isolation: 'unshare' });
await describeLocalProcess({ isolation: 'unshare', cgroups: 'off' });
