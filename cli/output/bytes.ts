const DECIMAL = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** For people: `1.5 GB`. Decimal, as disks and the API's limits count. */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  // 999.95 would be printed as 1000.0.
  while (value >= 999.95 && unit < DECIMAL.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? String(value) : value.toFixed(1).replace(/\.0$/, '')} ${DECIMAL[unit] ?? ''}`;
}

const FACTORS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
};

/** `2G`, `512MiB`, `1.5gb`, `1000000`. G is 10^9 and Gi 2^30, as in Kubernetes. null = not a size. */
export function parseBytes(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?$/i.exec(text.trim());
  const factor = FACTORS[(match?.[2] ?? '').toLowerCase()];
  const bytes = match === null || factor === undefined ? Number.NaN : Math.round(Number(match[1]) * factor);
  return Number.isSafeInteger(bytes) ? bytes : null;
}
