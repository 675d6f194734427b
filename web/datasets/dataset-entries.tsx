import { Anchor, SimpleGrid, Text } from '@mantine/core';
import type { DatasetDetails } from '@sodate/contract/datasets.ts';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { formatNumber } from '../ui/formats.ts';
import { Panel } from '../ui/panel.tsx';
import { VirtualBox } from '../ui/virtual-rows.tsx';
import { columnsOf, type Column, draftOf, entriesIn } from './dataset-draft.ts';
import classes from './dataset-entries.module.css';

const ROW_PX = 44;

/** What lies in a data set, by type, to be looked at. */
export function DatasetEntries({ tenant, dataset }: { readonly tenant: string; readonly dataset: DatasetDetails }) {
  const { t, i18n } = useTranslation();
  const columns = columnsOf(dataset);
  const title = (column: Column): string => (column === 'flat' ? t('datasets.flatColumn') : t(`datasets.type.${column}`));
  return (
    <SimpleGrid cols={{ base: 1, sm: columns.length }} spacing="md">
      {columns.map((column) => {
        const entries = entriesIn(draftOf(dataset), column);
        return (
          <Panel
            key={column}
            title={title(column)}
            aside={
              <Text size="xs" c="dimmed">
                {formatNumber(entries.length, i18n.language)}
              </Text>
            }
          >
            {entries.length === 0 ? (
              <Text size="sm" c="dimmed" p="md">
                {t('datasets.none')}
              </Text>
            ) : (
              <div className={classes['list']} style={{ height: Math.min(entries.length * ROW_PX, 480) }}>
                <VirtualBox
                  label={title(column)}
                  count={entries.length}
                  estimate={ROW_PX}
                  keyOf={(index) => entries[index]?.id ?? String(index)}
                  row={(index) => {
                    const entry = entries[index];
                    if (entry === undefined) return null;
                    return (
                      <div className={classes['row']} data-last={index === entries.length - 1 || undefined}>
                        <Anchor
                          size="sm"
                          c="inherit"
                          className={classes['name'] ?? ''}
                          component={Link}
                          to={`/tenants/${tenant}/data/${entry.number}`}
                          title={entry.name}
                        >
                          {entry.name}
                        </Anchor>
                        <Text size="xs" c="dimmed" truncate lh={1.3}>
                          #{entry.number}
                          {entry.tags.length > 0 && ` · ${entry.tags.join(', ')}`}
                        </Text>
                      </div>
                    );
                  }}
                />
              </div>
            )}
          </Panel>
        );
      })}
    </SimpleGrid>
  );
}
