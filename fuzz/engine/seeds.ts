import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Target } from './target.ts';

const FUZZ = join(import.meta.dirname, '..');

/** What can be fuzzed: a file each. */
export const TARGETS: readonly string[] = readdirSync(join(FUZZ, 'targets')).map((file) =>
  basename(file, '.ts'),
);

/** Inputs that every run begins with: those that a target names, and those that once showed a defect. */
export function seedsOf(name: string, { beginnings }: Target): readonly Buffer[] {
  const folder = join(FUZZ, 'seeds', name);
  const files = existsSync(folder)
    ? readdirSync(folder).map((file) => readFileSync(join(folder, file)))
    : [];
  return [...beginnings.map((text) => Buffer.from(text)), ...files];
}

/** @param name one of TARGETS */
export async function loadTarget(name: string): Promise<Target> {
  const { target } = (await import(`../targets/${name}.ts`)) as { readonly target: Target };
  return target;
}
