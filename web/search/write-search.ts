/** Quotation marks around what the grammar would read otherwise; inside them everything is taken literally. */
export function quoteValue(value: string): string {
  const plain = value !== '' && !/[\s"(),]/.test(value) && !/^[:=!<>]/.test(value) && !value.includes('..');
  return plain ? value : `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

/** The name behind the point of `metric.train/loss`, quoted where the grammar would read it otherwise. */
export const quoteMember = (name: string): string => (/^[^\s"(),:=!<>]+$/.test(name) ? name : `"${name.replaceAll(/["\\]/g, String.raw`\$&`)}"`);

/** `field:a,b`; nothing where there is no value. */
export const writeCondition = (field: string, values: readonly string[]): string => (values.length === 0 ? '' : `${field}:${values.map(quoteValue).join(',')}`);

export const joinConditions = (conditions: readonly (string | undefined)[]): string =>
  conditions.filter((one) => one !== undefined && one.trim() !== '').join(' ');
