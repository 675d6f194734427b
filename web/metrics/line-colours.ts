/* Colours that stay apart from each other, with a contrast of 3 : 1 and more on the page, in both themes. */

const COLOURS: readonly (readonly [light: string, dark: string])[] = [
  ['#23744a', '#57c98a'],
  ['#1f6feb', '#6cb0ff'],
  ['#c2410c', '#fb923c'],
  ['#9333ea', '#c792f5'],
  ['#b91c1c', '#f87171'],
  ['#0e7490', '#38cfe4'],
  ['#a16207', '#e5c046'],
  ['#be185d', '#f472b6'],
  ['#4d5a66', '#b6c0c8'],
  ['#4d7c0f', '#a3d94f'],
];

export interface LineStyle {
  readonly colour: string;
  /** Lengths of dashes and gaps, in pixels; from the eleventh line on colours come again. */
  readonly dash: number[] | undefined;
}

export function lineStyle(index: number, scheme: 'light' | 'dark'): LineStyle {
  const colour = COLOURS[index % COLOURS.length]?.[scheme === 'light' ? 0 : 1] ?? 'currentcolor';
  const round = Math.floor(index / COLOURS.length);
  return { colour, dash: round === 0 ? undefined : [6, 2 + round * 2] };
}
