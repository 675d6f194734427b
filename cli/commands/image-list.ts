import { listImages } from '@sodate/contract/registries.ts';
import { usageError } from '../cli-error.ts';
import { defineCommand, needed, text } from '../command.ts';
import { limitOption } from '../list-all.ts';
import { table } from '../output/table.ts';

export const imageList = defineCommand({
  path: 'image list',
  summary: 'Images of a registry, as it lists them',
  tenant: true,
  args: { registry: needed('<registry>', 'name or id') },
  options: { text: text('--text <text>', 'part of the name'), limit: limitOption },
  async run(input, cli) {
    const client = cli.client();
    const params = { tenant: await cli.tenant(), registry: input.registry };
    const wanted = input.limit ?? 50;
    if (wanted < 1) throw usageError('--limit: at least 1.');
    const items: { name: string; reference: string }[] = [];
    let cursor: string | undefined;
    // A page may be empty and not the last: of a long catalog the server looks through a part at a time.
    do {
      const query = { text: input.text, limit: Math.min(200, wanted - items.length), cursor };
      const page = await client.call(listImages, { params, query, signal: cli.signal });
      items.push(...page.items);
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined && items.length < wanted);
    const more = cursor === undefined ? '' : '\n(there are more; --limit shows them)';
    await cli.show(
      { items, complete: cursor === undefined },
      () =>
        table(
          ['image', 'whole name'],
          items.map((one) => [one.name, one.reference]),
        ) + more,
    );
  },
});
