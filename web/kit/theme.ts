import { Alert, Badge, createTheme, type MantineColorsTuple, Modal } from '@mantine/core';
import type { CSSProperties } from 'react';

const leaf: MantineColorsTuple = ['#eaf7ef', '#d6ecdf', '#abd9bd', '#7dc598', '#57b479', '#3fa965', '#319a57', '#23744a', '#1c6340', '#114f31'];

const SANS = 'system-ui, -apple-system, "Segoe UI", Roboto, "Hiragino Sans", "Noto Sans JP", "Noto Sans CJK JP", "Yu Gothic UI", Meiryo, sans-serif';
const MONO = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", "Noto Sans Mono CJK JP", monospace';

/** Small coloured text on its own pale colour would have a contrast of 3.8 : 1 for green. */
const badgeText = (color: string): string => `light-dark(color-mix(in srgb, var(--mantine-color-${color}-9) 72%, black), var(--mantine-color-${color}-2))`;

/** What a light badge has of its colour, for badges that are drawn without Mantine's component. */
export const badgeColours = (color: string): CSSProperties =>
  ({ '--badge-bg': `var(--mantine-color-${color}-light)`, '--badge-color': badgeText(color) }) as CSSProperties;

export const theme = createTheme({
  colors: { leaf },
  primaryColor: 'leaf',
  primaryShade: { light: 7, dark: 7 },
  autoContrast: true,
  fontFamily: SANS,
  fontFamilyMonospace: MONO,
  headings: { fontFamily: SANS, fontWeight: '650' },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Alert: Alert.extend({ styles: { title: { color: 'var(--mantine-color-text)' } } }),
    Badge: Badge.extend({
      vars: (_theme, { variant, color }) => ({
        root: variant === 'light' ? { '--badge-color': badgeText(color ?? 'leaf') } : {},
        dot: {},
      }),
    }),
    Modal: Modal.extend({ styles: { title: { fontWeight: 600 } } }),
  },
});
