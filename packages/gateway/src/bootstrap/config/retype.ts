import type { ScalarKind } from './schema-walk.ts';

/** Scalars whose written form says less than the schema: text from the environment, and numbers meant as text. */

type Kinds = ReadonlySet<ScalarKind>;

const NUMBER = /^[-+]?\d+(\.\d+)?([eE][-+]?\d+)?$/;

/** What came out of `${…}` is text; where only a number or a boolean is accepted it is read as YAML would. */
export function retypeInterpolated(text: string, kinds: Kinds): string | number | boolean {
  if (kinds.has('text')) return text;
  if (kinds.has('number') && NUMBER.test(text)) return Number(text);
  if (kinds.has('boolean') && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

/** A variable of the environment, where shells write booleans in more ways. */
export function retypeVariable(text: string, kinds: Kinds): string | number | boolean {
  if (kinds.has('boolean') && /^(1|true|yes|on)$/i.test(text)) return true;
  if (kinds.has('boolean') && /^(0|false|no|off)$/i.test(text)) return false;
  return retypeInterpolated(text, kinds);
}

/** `PORT: 8080` under `env` means the text 8080, and `1.10` must not become `1.1`. */
export function textAsWritten(
  value: number | boolean,
  written: string,
  kinds: Kinds,
): string | number | boolean {
  const wanted = typeof value === 'number' ? 'number' : 'boolean';
  return kinds.has('text') && !kinds.has(wanted) ? written : value;
}
