import { createHash } from 'node:crypto';
import { createReadStream, openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { buildPath } from '@sodate/client/build-path.ts';
import { ATTACHMENT_BYTES_LIMIT, Attachment, attachFile } from '@sodate/contract/attachments.ts';
import { CliError } from '../cli-error.ts';
import { defineCommand, rest, text } from '../command.ts';
import { formatBytes } from '../output/bytes.ts';
import { runArgument } from '../run-reference.ts';

export const runAttach = defineCommand({
  path: 'run attach',
  summary: 'Put files beside a run, where its job sees them in /kqi/attach',
  tenant: true,
  args: { run: runArgument, files: rest('<files...>', 'files of this machine') },
  options: { name: text('--name <name>', 'what a single file is called there (default: its own name)') },
  async run(input, cli) {
    if (input.name !== undefined && input.files.length > 1) throw new CliError('--name is for one file.');
    const params = { tenant: await cli.tenant(), run: input.run };
    const attached: Attachment[] = [];
    for (const path of input.files) {
      const found = await stat(path).catch(() => null);
      if (found?.isFile() !== true) throw new CliError(`${path} is not a file.`);
      if (found.size > ATTACHMENT_BYTES_LIMIT)
        throw new CliError(`${path} is larger than ${formatBytes(ATTACHMENT_BYTES_LIMIT)}. Put it into a data: sodate data upload`);
      const query = { name: input.name ?? basename(resolve(path)), digest: await digestOf(path) };
      const response = await cli.client().exchange({
        method: attachFile.method,
        path: buildPath(attachFile.path, params, query),
        headers: { 'content-type': 'application/octet-stream' },
        body: await openAsBlob(path),
        signal: cli.signal,
        // The same bytes under the same name change nothing.
        repeatable: true,
      });
      attached.push(Attachment.parse(await response.json()));
    }
    await cli.show({ attached }, () => attached.map(({ name, size }) => `${name} (${formatBytes(size ?? 0)}) is attached to ${input.run}.`).join('\n'));
  },
});

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return `sha256:${hash.digest('hex')}`;
}
