import { describeLocalProcess } from './describe-local-process.ts';

await describeLocalProcess({ isolation: 'none' });
await describeLocalProcess({ isolation: 'none', cgroups: 'off' });
