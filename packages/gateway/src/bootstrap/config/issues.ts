import type { z } from 'zod';

import { type ConfigNode, isGiven, nearestNode, nodeAt } from './config-node.ts';
import { identifierProblem } from './identifier.ts';
import { isServerMap } from './server-maps.ts';
import type { Override } from './overlay.ts';
import { type ConfigPath, type ConfigProblem, formatPath, isSecretPath } from './problem.ts';
import {
  type Accepts,
  childAccepts,
  childSchemas,
  choices,
  defaultOf,
  describeAccepted,
  factsOf,
  scalarKinds,
  unwrap,
} from './schema-walk.ts';
import { nearest } from '../../domain/near-names.ts';
import { unknownKeyFix } from './unknown-key.ts';

/** Turns what the schema found into problems with a place in the file, the value and a way out. */

type Issue = z.core.$ZodIssue;

interface IssueContext {
  readonly file: string;
  readonly schema: z.core.$ZodType;
  readonly root: ConfigNode;
  readonly overrides: readonly Override[];
}

interface Finding {
  readonly path: ConfigPath;
  readonly message: string;
  readonly fix: string;
  readonly at: 'key' | 'value';
}

export function problemsOf(
  issues: readonly Issue[],
  context: IssueContext,
): readonly ConfigProblem[] {
  return issues.flatMap((issue) =>
    findings(issue, [], context)
      .filter(({ path }) => !isReported(context, path))
      .map((finding) => toProblem(finding, context)),
  );
}

/** Below a place whose text could not be read, everything else is a consequence. */
function isReported(context: IssueContext, path: ConfigPath): boolean {
  const node = nearestNode(context.root, path);
  return node.kind === 'scalar' && node.broken && overrideAt(context, path) === undefined;
}

function toProblem(finding: Finding, context: IssueContext): ConfigProblem {
  const { path, message, fix } = finding;
  const override = overrideAt(context, path);
  if (override !== undefined) {
    const { origin, name } = override;
    return { file: origin, line: undefined, column: undefined, path: name, message, fix };
  }
  const node = nodeAt(context.root, path);
  const nearestOne = node ?? nearestNode(context.root, path);
  const { line, column } =
    finding.at === 'key' || !isGiven(node) ? nearestOne.keyAt : nearestOne.at;
  return { file: context.file, line, column, path: formatPath(path), message, fix };
}

function overrideAt(context: IssueContext, path: ConfigPath): Override | undefined {
  const wanted = formatPath(path);
  return context.overrides.findLast((override) => formatPath(override.path) === wanted);
}

function acceptsAt(context: IssueContext, path: ConfigPath): Accepts {
  return path.reduce(childAccepts, unwrap(context.schema));
}

function findings(issue: Issue, base: ConfigPath, context: IssueContext): readonly Finding[] {
  const path = [...base, ...issue.path.map((key) => (typeof key === 'number' ? key : String(key)))];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(key, path, context));
    case 'invalid_union':
      return unionFindings(issue, path, context);
    case 'invalid_key':
      return [badKey(issue, path)];
    case 'invalid_format':
    case 'custom':
      return [{ ...wrongValue(path, context), message: withValue(issue.message, path, context) }];
    case 'invalid_element':
    case 'invalid_type':
    case 'invalid_value':
    case 'not_multiple_of':
    case 'too_big':
    case 'too_small':
      return [wrongValue(path, context)];
  }
}

function unknownKey(key: string, path: ConfigPath, context: IssueContext): Finding {
  return {
    path: [...path, key],
    message: `unknown key "${key}"`,
    fix: unknownKeyFix(key, { path, schema: context.schema, root: context.root }),
    at: 'key',
  };
}

/** Of the forms that a union offers, the one that was meant is the one whose outer shape fits. */
function unionFindings(
  issue: z.core.$ZodIssueInvalidUnion,
  path: ConfigPath,
  context: IssueContext,
): readonly Finding[] {
  const fitting = issue.errors.filter((issues) =>
    issues.every(({ path: [first] }) => first !== undefined),
  );
  const unknownOnly = issue.errors.filter((issues) =>
    issues.every((inner) => inner.path.length > 0 || inner.code === 'unrecognized_keys'),
  );
  const meant = fitting[0] ?? unknownOnly[0];
  if (meant === undefined) return [wrongValue(path, context)];
  return meant.flatMap((inner) => findings(inner, path, context));
}

function badKey(issue: z.core.$ZodIssueInvalidKey, path: ConfigPath): Finding {
  const key = String(path.at(-1));
  if (path.length === 2 && isServerMap(path[0]))
    return { path, at: 'key', ...identifierProblem(key) };
  const expectation = issue.issues[0]?.message ?? 'not a valid name';
  // A name below `env` may be a whole assignment, value included.
  return {
    path: path.slice(0, -1),
    at: 'key',
    message: `bad name: ${expectation}`,
    fix: 'rename it',
  };
}

function wrongValue(path: ConfigPath, context: IssueContext): Finding {
  const accepts = acceptsAt(context, path);
  const node = nodeAt(context.root, path);
  const override = overrideAt(context, path);
  if (node === undefined && override === undefined) {
    const description = descriptionAt(context, path);
    return {
      path,
      message: 'missing',
      fix: `add "${String(path.at(-1))}": ${description}`,
      at: 'key',
    };
  }
  const message = withValue(`expected ${describeAccepted(accepts)}`, path, context);
  return { path, message, fix: fixFor(path, accepts, context), at: 'value' };
}

function withValue(message: string, path: ConfigPath, context: IssueContext): string {
  return `${message}, got ${shownValue(path, context)}`;
}

/** The value for a message: short, as written in the file, never a secret. */
function shownValue(path: ConfigPath, context: IssueContext): string {
  const override = overrideAt(context, path);
  const node = nodeAt(context.root, path);
  if (override === undefined && !isGiven(node)) return 'nothing';
  if (override === undefined && node?.kind === 'map') return 'a mapping';
  if (override === undefined && node?.kind === 'list') return `a list of ${node.items.length}`;
  if (isSecretPath(path)) return '[secret]';
  if (override !== undefined) return quoted(String(override.value));
  if (node?.kind !== 'scalar') return 'nothing';
  return typeof node.value === 'string' ? quoted(node.written) : node.written;
}

function quoted(text: string): string {
  const withoutCredentials = text.replace(/\/\/[^/@\s]*@/, '//[secret]@');
  const short =
    withoutCredentials.length > 60 ? `${withoutCredentials.slice(0, 60)}…` : withoutCredentials;
  return JSON.stringify(short);
}

function fixFor(path: ConfigPath, accepts: Accepts, context: IssueContext): string {
  const node = nodeAt(context.root, path);
  const override = overrideAt(context, path);
  const text = String(override?.value ?? (node?.kind === 'scalar' ? node.written : ''));
  const kinds = scalarKinds(accepts);
  const meant = nearest(text, choices(accepts));
  if (meant !== undefined) return `did you mean "${meant}"?`;
  if (kinds.has('boolean') && /^(yes|on|1)$/i.test(text)) return 'write true';
  if (kinds.has('boolean') && /^(no|off|0)$/i.test(text)) return 'write false';
  if (node?.kind === 'scalar' && typeof node.value === 'string' && node.value === node.written) {
    if (kinds.has('number') && /^\d+(\.\d+)?$/.test(text)) return 'remove the quotes';
    if (kinds.has('boolean') && /^(true|false)$/.test(text)) return 'remove the quotes';
  }
  if (override === undefined) {
    const shape = shapeFix(node, accepts);
    if (shape !== undefined) return shape;
  }
  const outer = childSchemas(acceptsAt(context, path.slice(0, -1)), path.at(-1) ?? '')[0];
  const standard = outer === undefined ? undefined : defaultOf(outer);
  if (
    typeof standard === 'number' ||
    typeof standard === 'string' ||
    typeof standard === 'boolean'
  ) {
    return `leave it out for the default, ${String(standard)}`;
  }
  return descriptionAt(context, path);
}

/** How to write what is accepted, where something of another shape stands. */
function shapeFix(node: ConfigNode | undefined, accepts: Accepts): string | undefined {
  const expected = describeAccepted(accepts);
  if (expected === 'a mapping' && node?.kind !== 'map')
    return 'write "key: value" lines, indented below it';
  if (/^a (non-empty )?list/.test(expected) && node?.kind !== 'list') return 'write a list: [ … ]';
  if (scalarKinds(accepts).has('text') && !isGiven(node))
    return 'write "" for an empty text, or remove it';
  if (scalarKinds(accepts).has('text') && node?.kind === 'map')
    return 'write text, in quotes if it contains ": "';
  return undefined;
}

/** What the schema says about the innermost described key on the path. */
function descriptionAt(context: IssueContext, path: ConfigPath): string {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = acceptsAt(context, path.slice(0, length - 1));
    const schema = childSchemas(parent, path[length - 1] ?? '')[0];
    const description = schema === undefined ? undefined : factsOf(schema).description;
    if (description !== undefined) return description.replace(/\.$/, '');
  }
  return 'see the reference of the configuration';
}
