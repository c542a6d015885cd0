/** The file of a client as a text: what it says, and the same text with entries set or removed. */
import { isDeepStrictEqual } from 'node:util';
import { err, ok, type Result } from '@mcp-hangar/kernel/result';
import type { ClientSpec } from '../../domain/setup/client-table.ts';
import { editJson, readJson, type TextEdit } from './json-text.ts';
import { editToml, readToml } from './toml-text.ts';

type Format = ClientSpec['format'];
type Fields = Readonly<Record<string, unknown>>;

const READERS = { json: readJson, toml: readToml } as const;
const EDITORS = { json: editJson, toml: editToml } as const;

/** Refuses in words what cannot be read. */
export const readClientText = (format: Format, text: string): Result<Fields, string> =>
  shallow(() => READERS[format](text));

/** Parsers and comparisons recurse. */
function shallow<T>(work: () => Result<T, string>): Result<T, string> {
  try {
    return work();
  } catch (error) {
    if (error instanceof RangeError) return err('it is nested too deep');
    throw error;
  }
}

/**
 * The text with the edits. It is read back and says exactly what was asked for, and nothing else is different; where
 * that does not come out, there is no text.
 */
export const editClientText = (
  format: Format,
  text: string,
  edits: readonly TextEdit[],
): Result<string, string> => shallow(() => edited(format, text, edits));

function edited(format: Format, text: string, edits: readonly TextEdit[]): Result<string, string> {
  const before = readClientText(format, text);
  if (!before.ok) return before;
  let wanted: unknown = before.value;
  let done = text;
  for (const edit of edits) {
    wanted = withValue(wanted, edit.path, edit.value);
    done = EDITORS[format](done, edit);
  }
  const after = readClientText(format, done);
  if (after.ok && isDeepStrictEqual(plain(after.value), plain(wanted))) return ok(done);
  return err('it is written in a way that cannot be edited safely; change it by hand');
}

function withValue(value: unknown, [key, ...rest]: readonly string[], leaf: unknown): unknown {
  if (key === undefined) return leaf;
  const fields: Fields =
    typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
  const next = withValue(fields[key], rest, leaf);
  if (next !== undefined) return { ...fields, [key]: next };
  const { [key]: _gone, ...others } = fields;
  return others;
}

/** Prototypes and the tables that TOML needs only for what is in them make no difference. */
function plain(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => {
      const inner = plain(item);
      const isEmpty = isDeepStrictEqual(inner, {});
      return isEmpty ? [] : [[key, inner]];
    }),
  );
}
