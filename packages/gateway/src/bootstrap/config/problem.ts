/** One thing that is wrong with a configuration, with the place to look at and what to do. */
import { isSecretName } from '../../domain/secret-signs.ts';

export interface ConfigProblem {
  /** The file as it was named, or `environment` or `command line`. */
  readonly file: string;
  /** From 1; undefined where the problem is not in the text of a file. */
  readonly line: number | undefined;
  /** From 1. */
  readonly column: number | undefined;
  /** Such as `mcp_servers.math.args[0]`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
  readonly fix: string;
}

export type ConfigPath = readonly (string | number)[];

/** One line for people: `config.yaml:7:5: mcp_servers.math.comand: unknown key "comand" (did you mean "command"?)`. */
export function formatProblem(problem: ConfigProblem): string {
  const { file, line, column, path, message, fix } = problem;
  const place = line === undefined ? file : `${file}:${line}:${column ?? 1}`;
  return [place, ...(path === '' ? [] : [path]), `${message} (${fix})`].join(': ');
}

export function formatPath(path: ConfigPath): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    if (!/^[\w$-]+$/.test(key)) return `${text}[${JSON.stringify(key)}]`;
    return text === '' ? key : `${text}.${key}`;
  }, '');
}

/** In file order; what is not in the text of a file comes last. */
export function inFileOrder(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  return problems.toSorted(
    (left, right) =>
      (left.line ?? Infinity) - (right.line ?? Infinity) ||
      (left.column ?? 0) - (right.column ?? 0),
  );
}

/** Nobody can know what a variable or a header holds. */
const SECRET_MAPS: ReadonlySet<unknown> = new Set(['env', 'headers']);

/** Whether a value at this path must not be shown. */
export function isSecretPath(path: ConfigPath): boolean {
  return path.some((key) => typeof key === 'string' && (SECRET_MAPS.has(key) || isSecretName(key)));
}

/** Leaves out "X is missing" where an unknown key of the same mapping was meant to be X. */
export function withoutConsequences(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  const meant = new Set(
    problems.flatMap(({ path, fix }) => {
      const key = /^did you mean "(.+)"\?$/.exec(fix)?.[1];
      return key === undefined ? [] : [sibling(path, key)];
    }),
  );
  return problems.filter(({ path, message }) => !(/^missing\b/.test(message) && meant.has(path)));
}

function sibling(path: string, key: string): string {
  const dot = path.lastIndexOf('.');
  return dot === -1 ? key : `${path.slice(0, dot)}.${key}`;
}
