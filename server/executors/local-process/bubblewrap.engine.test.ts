import { describeLocalProcess } from './describe-local-process.ts';

await describeLocalProcess({ isolation: 'bubblewrap' });
await describeLocalProcess({ isolation: 'bubblewrap', cgroups: 'off' });
