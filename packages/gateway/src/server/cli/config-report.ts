/** What the commands of `config` print, to programs and to people. */
import { z } from 'zod';
import type { ConfigDifference, EffectiveValue, Origin } from '../../domain/effective-config.ts';
import { tableText } from './text-table.ts';

/** Printed by `config check --json` for a valid file: members are added, never renamed or removed. */
export const CheckReport = z.object({
  file: z.string(),
  valid: z.literal(true),
  servers: z.array(z.string()),
  /** What is written and not obeyed, a sentence each. */
  notes: z.array(z.string()),
});

/** Printed by `config show --json`: members are added, never renamed or removed. */
export const ShowReport = z.object({
  file: z.string().nullable(),
  /** What named the file: an option, a variable, or the place where it was found. */
  chosen_by: z.string().nullable(),
  values: z.array(
    z.object({
      key: z.string(),
      /** Without secrets. */
      value: z.string(),
      /** `file`, `environment`, `flag` or `default`. */
      origin: z.string(),
      line: z.number().nullable(),
      /** Of the variable or the option. */
      name: z.string().nullable(),
    }),
  ),
});
export type ShowReport = z.infer<typeof ShowReport>;

/** Printed by `config diff --json`: members are added, never renamed or removed. */
export const DiffReport = z.object({
  old: z.string(),
  new: z.string(),
  differs: z.boolean(),
  servers: z.object({
    added: z.array(z.string()),
    removed: z.array(z.string()),
    changed: z.array(z.string()),
  }),
  /** Of all but servers that only one side has; `null` where a value is not given. */
  values: z.array(
    z.object({ key: z.string(), old: z.string().nullable(), new: z.string().nullable() }),
  ),
});
export type DiffReport = z.infer<typeof DiffReport>;

export const showReport = (
  found: { readonly path: string | undefined; readonly chosenBy: string | undefined },
  values: readonly EffectiveValue[],
): ShowReport => ({
  file: found.path ?? null,
  chosen_by: found.chosenBy ?? null,
  values: values.map(({ key, text, origin }) => ({
    key,
    value: text,
    origin: origin.kind,
    line: origin.kind === 'file' ? origin.line : null,
    name: 'name' in origin ? origin.name : null,
  })),
});

const SHOW_COLUMNS = [
  { title: 'KEY', widthMin: 24 },
  { title: 'VALUE', widthMin: 12 },
  { title: 'FROM' },
] as const;

/** One line for each value. */
export const showText = (values: readonly EffectiveValue[], widthMax: number | undefined): string =>
  tableText(
    SHOW_COLUMNS,
    values.map(({ key, text, origin }) => [key, oneLine(text), originText(origin)]),
    widthMax,
  );

const oneLine = (text: string): string =>
  text === '' ? '""' : /\n/.test(text) ? JSON.stringify(text) : text;

function originText(origin: Origin): string {
  switch (origin.kind) {
    case 'file':
      return `line ${origin.line}`;
    case 'environment':
    case 'flag':
      return origin.name;
    case 'default':
      return 'default';
  }
}

export function diffReport(old: string, now: string, difference: ConfigDifference): DiffReport {
  const { added, removed, changed, values } = difference;
  return {
    old,
    new: now,
    differs: added.length + removed.length + values.length > 0,
    servers: { added: [...added], removed: [...removed], changed: [...changed] },
    values: values.map((each) => ({
      key: each.key,
      old: each.old ?? null,
      new: each.now ?? null,
    })),
  };
}

/** Servers of one side in a line each, then values with what they were and are. */
export function diffText({ old, new: now, servers, values, differs }: DiffReport): string {
  if (!differs) return `${old} and ${now} come to the same`;
  return [
    `--- ${old}`,
    `+++ ${now}`,
    ...servers.removed.map((id) => `- mcp_servers.${id}`),
    ...servers.added.map((id) => `+ mcp_servers.${id}`),
    ...values.map((each) => `~ ${each.key}: ${changeText(each.old, each.new)}`),
  ].join('\n');
}

function changeText(old: string | null, now: string | null): string {
  const left = old === null ? '(not set)' : oneLine(old);
  const right = now === null ? '(not set)' : oneLine(now);
  // A secret, or a variable that stands for something else where the gateway runs.
  return left === right ? `${left} (with another value)` : `${left} → ${right}`;
}
