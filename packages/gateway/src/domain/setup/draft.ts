/** An MCP server on its way from a client's file into our configuration. */
import { printValue, textPiece, type Place, type ValueText } from './value-text.ts';

export interface ServerDraft {
  readonly command: ValueText | undefined;
  readonly args: readonly ValueText[];
  readonly env: Readonly<Record<string, ValueText>>;
  readonly cwd: ValueText | undefined;
  readonly url: ValueText | undefined;
  readonly transport: 'sse' | 'streamable-http' | undefined;
  readonly headers: Readonly<Record<string, ValueText>>;
  readonly isEnabled: boolean;
  readonly description: string | undefined;
  readonly callTimeoutS: number | undefined;
  readonly startupTimeoutS: number | undefined;
  readonly hiddenTools: readonly string[];
}

/** What stands in our file under the id of a server. */
export type ServerEntry = Readonly<Record<string, unknown>>;

/** A program whose name a shell would split stands in a list. */
const ONE_WORD = /^[\w@%+=:,./~-]+$/;

/** As our configuration writes it; the keys in the order of the reference. */
export function entryOf(draft: ServerDraft): ServerEntry {
  const { description, isEnabled, callTimeoutS, startupTimeoutS, hiddenTools } = draft;
  return {
    ...(description === undefined ? {} : { description: literal(description) }),
    ...(isEnabled ? {} : { enabled: false }),
    ...launchOf(draft),
    ...(startupTimeoutS === undefined ? {} : { startup_timeout_s: startupTimeoutS }),
    ...(callTimeoutS === undefined ? {} : { call_timeout_s: callTimeoutS }),
    ...(hiddenTools.length === 0 ? {} : { tools: { hide: hiddenTools.map(literal) } }),
  };
}

/** Nothing in it is looked up. */
const literal = (text: string): string => printValue([textPiece(text)], 'env');

/** What makes it the same server: how it is reached, and with what. */
export function launchOf(draft: ServerDraft): ServerEntry {
  if (draft.command !== undefined) {
    const command = printValue(draft.command, 'command');
    return {
      command: ONE_WORD.test(command) ? command : [command],
      ...(draft.args.length === 0
        ? {}
        : { args: draft.args.map((arg) => printValue(arg, 'args')) }),
      ...texts('env', draft.env, 'env'),
      ...(draft.cwd === undefined ? {} : { cwd: printValue(draft.cwd, 'cwd') }),
    };
  }
  return {
    mode: 'remote',
    url: printValue(draft.url ?? [], 'url'),
    ...(draft.transport === undefined ? {} : { transport: draft.transport }),
    ...(Object.keys(draft.headers).length === 0
      ? {}
      : { http: texts('headers', draft.headers, 'headers') }),
  };
}

function texts(
  key: string,
  values: Readonly<Record<string, ValueText>>,
  place: Place,
): Readonly<Record<string, unknown>> {
  const entries = Object.entries(values);
  if (entries.length === 0) return {};
  return {
    [key]: Object.fromEntries(entries.map(([name, value]) => [name, printValue(value, place)])),
  };
}

/** The variables that have to come from the environment, for want of a default. */
export function neededVariables(draft: ServerDraft): readonly string[] {
  const values = [
    draft.command ?? [],
    ...draft.args,
    ...Object.values(draft.env),
    draft.cwd ?? [],
    draft.url ?? [],
    ...Object.values(draft.headers),
  ];
  const names = values
    .flat()
    .flatMap((piece) =>
      piece.kind === 'variable' && (piece.fallback ?? '') === '' ? [piece.name] : [],
    );
  return [...new Set(names)];
}
