import { useTranslation } from 'react-i18next';
import { type ComparisonColumn, ComparisonTable } from './comparison-table.tsx';
import type { Comparison } from './metric-queries.ts';

/** How runs were begun, as they said themselves. */
export function ParameterTable({ parameters, columns }: { readonly parameters: Comparison['parameters']; readonly columns: readonly ComparisonColumn[] }) {
  const { t } = useTranslation();
  return (
    <ComparisonTable
      label={t('metrics.view.parameters')}
      first={t('metrics.parameter')}
      columns={columns.length > 1 ? columns : [{ key: 'value', head: t('metrics.value') }]}
      rows={parameters}
      cell={({ values }, column) => (values[column] == null ? '–' : <bdi>{values[column]}</bdi>)}
    />
  );
}
