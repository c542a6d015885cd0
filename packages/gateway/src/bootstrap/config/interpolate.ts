import { err, ok, type Result } from '@mcp-hangar/kernel/result';

/** The variables that a configuration may name; `process.env` in the running gateway. */
export type Environment = Readonly<Record<string, string | undefined>>;

interface InterpolationFailure {
  readonly message: string;
  readonly fix: string;
}

interface Interpolated {
  readonly text: string;
  /** Whether a variable or its default was put in. */
  readonly changed: boolean;
}

const REFERENCE = /\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})?/g;

/**
 * Replaces `${NAME}` and `${NAME:-default}` (used when unset or empty, as in a shell) and turns `$${` into `${`.
 * One pass: what is put in is never looked at again, so a secret may contain `${x}`. Refuses unset names without a
 * default and references that it does not understand.
 */
export function interpolate(
  text: string,
  env: Environment,
): Result<Interpolated, readonly InterpolationFailure[]> {
  const failures: InterpolationFailure[] = [];
  let changed = false;
  const replaced = text.replace(
    REFERENCE,
    (match: string, name: string | undefined, fallback: string | undefined) => {
      if (match === '$${') return '${';
      if (name === undefined) {
        failures.push({
          message: 'not a reference that can be resolved after "${"',
          fix: 'write ${NAME} or ${NAME:-default}, or $${ for a literal ${',
        });
        return match;
      }
      if (fallback?.includes('${') === true) {
        failures.push({
          message: `the default of \${${name}} contains another reference`,
          fix: 'write a plain default; references do not nest',
        });
        return match;
      }
      changed = true;
      const value = Object.hasOwn(env, name) ? env[name] : undefined;
      if (fallback !== undefined) return value === undefined || value === '' ? fallback : value;
      if (value !== undefined) return value;
      failures.push({
        message: unsetMessage(name),
        fix: `set ${name}, or write \${${name}:-default}`,
      });
      return match;
    },
  );
  return failures.length > 0 ? err(failures) : ok({ text: replaced, changed });
}

const unsetMessage = (name: string): string => `environment variable "${name}" is not set`;

/** The variable that a problem misses; undefined for every other problem. */
export const unsetVariable = ({ message }: InterpolationFailure): string | undefined =>
  /^environment variable "(\w+)" is not set$/.exec(message)?.[1];

/** The variables that a text refers to. */
export const referencedNames = (text: string): readonly string[] =>
  [...text.matchAll(REFERENCE)].flatMap(([, name]) => (name === undefined ? [] : [name]));
