import type { Figure } from './figure.ts';
import type { BenchPlatform } from './bench-platform.ts';

export interface BenchContext {
  /** The built server's program. */
  readonly program: string;
  /** Removed at the end; on the disk that is measured. */
  readonly folder: string;
  /** 1 = the amounts that the budgets name. */
  readonly scale: number;
  /** A running server with a person, a tenant, a repository and a data set; started when first asked for. */
  platform(): Promise<BenchPlatform>;
  say(text: string): void;
}

export interface Bench {
  readonly name: string;
  readonly about: string;
  measure(context: BenchContext): Promise<readonly Figure[]>;
}

export const scaled = (context: BenchContext, count: number, least: number): number => Math.max(least, Math.round(count * context.scale));
