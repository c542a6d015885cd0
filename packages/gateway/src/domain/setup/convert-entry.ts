/** From an entry of a client's file to a draft of ours. Whatever is not taken over is said. */
import type { ClientSpec } from './client-table.ts';
import { launchOf, type ServerDraft } from './draft.ts';
import { isOwnEntry } from './own-entry.ts';
import { readValue, textPiece, type Surroundings, type ValueText } from './value-text.ts';

/** One `inputs` entry of VS Code. */
export interface InputSpec {
  readonly isSecret: boolean;
  readonly fallback: string | undefined;
}

export interface EntrySource {
  readonly client: Pick<ClientSpec, 'variables' | 'bareUrl'>;
  readonly around: Surroundings;
  readonly inputs: ReadonlyMap<string, InputSpec>;
  /** Of this gateway. */
  readonly ownUrls: readonly string[];
}

export type Conversion =
  | { readonly kind: 'server'; readonly draft: ServerDraft; readonly notes: readonly string[] }
  | { readonly kind: 'gateway' }
  | { readonly kind: 'refused'; readonly reason: string };

type Fields = Readonly<Record<string, unknown>>;

/** Keys with a counterpart of ours; `reading` says of any other that it has none. */
const KNOWN: ReadonlySet<string> = new Set(
  (
    'command args env cwd url serverUrl httpUrl headers type transport ' +
    'disabled enabled description timeout source env_vars tool_timeout_sec startup_timeout_sec ' +
    'startup_timeout_ms disabledTools disabled_tools excludeTools http_headers env_http_headers bearer_token_env_var'
  ).split(' '),
);

const WHY_NOT: Readonly<Record<string, string>> = {
  envFile: 'variables of a file of their own are not read; put them into env',
  includeTools: 'a list of allowed tools cannot be kept in this build; all tools are offered',
  enabled_tools: 'a list of allowed tools cannot be kept in this build; all tools are offered',
  trust: 'what needs no approval is decided by each client',
  autoApprove: 'what needs no approval is decided by each client',
  alwaysAllow: 'what needs no approval is decided by each client',
  oauth: 'a login in the browser cannot be taken over; use a token in headers',
  auth: 'a login in the browser cannot be taken over; use a token in headers',
  headersHelper: 'headers from a program cannot be taken over; use a token in headers',
  settings: 'settings of an extension cannot be taken over',
};

const SET_BY_TRANSPORT = /^(?:accept|accept-encoding|content-type|connection|host|mcp-.*)$/i;

const NAMES_VARIABLE = /^[^=\0]{1,256}$/;

class Refusal extends Error {}

export function convertEntry(entry: unknown, source: EntrySource): Conversion {
  if (!isFields(entry)) return { kind: 'refused', reason: 'it is no mapping' };
  try {
    return converted(entry, source);
  } catch (error) {
    if (error instanceof Refusal) return { kind: 'refused', reason: error.message };
    throw error;
  }
}

function converted(written: Fields, source: EntrySource): Conversion {
  const entry = withFlatCommand(written);
  const notes: string[] = [];
  const url = textOf(entry, 'httpUrl') ?? textOf(entry, 'serverUrl') ?? textOf(entry, 'url');
  const command = textOf(entry, 'command');
  const words = [...(command === undefined ? [] : [command]), ...listOf(entry, 'args')];
  if (isOwnEntry(words, command === undefined ? url : undefined, source.ownUrls))
    return { kind: 'gateway' };
  const common = commonKeys(entry, notes);
  for (const key of Object.keys(entry).filter((name) => !KNOWN.has(name)))
    notes.push(`"${key}" is not taken over: ${WHY_NOT[key] ?? 'it has no counterpart here'}`);
  const values = new Values(source, notes);
  if (command !== undefined) {
    if (url !== undefined) notes.push('"url" is not taken over: the entry has a command too');
    return { kind: 'server', draft: { ...common, ...localKeys(entry, command, values) }, notes };
  }
  if (url === undefined) {
    throw new Refusal(
      entry['source'] === 'extension' || entry['settings'] !== undefined
        ? 'it belongs to an extension of the client, which alone can start it'
        : 'it has neither a command nor a url',
    );
  }
  const transport = transportOf(entry, source);
  const draft = { ...common, ...remoteKeys(entry, url, values), transport };
  if (!/^https?:\/\/[^\s/]\S*$/.test(String(launchOf(draft)['url'])))
    throw new Refusal('its url is no http or https URL');
  return { kind: 'server', draft, notes };
}

/** Zed once wrote `command: {path, args, env}`. */
function withFlatCommand(entry: Fields): Fields {
  const { command, ...rest } = entry;
  if (!isFields(command)) return entry;
  const { path, ...others } = command;
  return { ...rest, ...others, command: path };
}

type CommonKeys = Pick<
  ServerDraft,
  'isEnabled' | 'description' | 'callTimeoutS' | 'startupTimeoutS' | 'hiddenTools'
>;

function commonKeys(entry: Fields, notes: string[]): CommonKeys {
  const seconds = (key: string, divisor: number, min: number, max: number): number | undefined => {
    const value = entry[key];
    if (value === undefined) return undefined;
    if (typeof value === 'number' && value > 0)
      return Math.min(max, Math.max(min, Math.round(value / divisor)));
    notes.push(`"${key}" is not taken over: it is no number above 0`);
    return undefined;
  };
  const hidden = ['disabledTools', 'disabled_tools', 'excludeTools'];
  return {
    isEnabled: entry['disabled'] !== true && entry['enabled'] !== false,
    description: textOf(entry, 'description')?.slice(0, 10_000),
    callTimeoutS: seconds('timeout', 1000, 1, 86_400) ?? seconds('tool_timeout_sec', 1, 1, 86_400),
    startupTimeoutS:
      seconds('startup_timeout_sec', 1, 1, 3600) ?? seconds('startup_timeout_ms', 1000, 1, 3600),
    hiddenTools: hidden.flatMap((key) => listOf(entry, key)),
  };
}

type LaunchKeys = Pick<
  ServerDraft,
  'command' | 'args' | 'env' | 'cwd' | 'url' | 'transport' | 'headers'
>;

function localKeys(entry: Fields, command: string, values: Values): LaunchKeys {
  const args = listOf(entry, 'args');
  const passed = listOfNames(entry['env_vars']).map((name) => [name, values.variable(name)]);
  const { project } = values.source.around;
  const isRelative = /^\.{1,2}[\\/]/.test(command);
  const program = isRelative && project !== undefined ? joined(project, command) : command;
  const cwd = textOf(entry, 'cwd');
  if (isRelative && project === undefined)
    values.notes.push('its command is relative, and now means the folder of our configuration');
  const isBound = project !== undefined && [command, ...args].some(looksRelative);
  return {
    command: values.read(program),
    args: args.map((arg) => values.read(arg)),
    env: { ...Object.fromEntries(passed), ...values.record(entry, 'env') },
    cwd:
      cwd === undefined
        ? isBound
          ? [textPiece(project)]
          : undefined
        : values.read(project === undefined || isAbsolute(cwd) ? cwd : joined(project, cwd)),
    url: undefined,
    transport: undefined,
    headers: {},
  };
}

function remoteKeys(entry: Fields, url: string, values: Values): LaunchKeys {
  const bearer = textOf(entry, 'bearer_token_env_var');
  const named = isFields(entry['env_http_headers']) ? entry['env_http_headers'] : {};
  return {
    command: undefined,
    args: [],
    env: {},
    cwd: undefined,
    url: values.read(url),
    transport: undefined,
    headers: {
      ...values.record(entry, 'headers'),
      ...values.record(entry, 'http_headers'),
      ...Object.fromEntries(
        Object.entries(named).map(([name, value]) => [name, values.variable(String(value))]),
      ),
      ...(bearer === undefined
        ? {}
        : { Authorization: [textPiece('Bearer '), ...values.variable(bearer)] }),
    },
  };
}

function transportOf(entry: Fields, { client }: EntrySource): ServerDraft['transport'] {
  const type = textOf(entry, 'type') ?? textOf(entry, 'transport');
  switch (type?.toLowerCase().replaceAll(/[_-]/g, '')) {
    case undefined:
      if (entry['url'] !== undefined && entry['httpUrl'] === undefined && client.bareUrl === 'sse')
        return undefined; // older releases mean HTTP+SSE, newer ones find out, as we do
      return undefined;
    case 'http':
    case 'streamablehttp':
      return undefined;
    case 'sse':
      return 'sse';
    default:
      throw new Refusal(`its transport "${type}" is not supported`);
  }
}

/** Reads texts, and refuses those that nothing here could resolve. */
class Values {
  readonly source: EntrySource;
  readonly notes: string[];
  constructor(source: EntrySource, notes: string[]) {
    this.source = source;
    this.notes = notes;
  }

  read(text: string): ValueText {
    return readValue(text, this.source.client.variables, this.source.around).map((piece) => {
      switch (piece.kind) {
        case 'unknown':
          throw new Refusal(`${piece.written} means something in its client only`);
        case 'input':
          return this.#input(piece.id);
        case 'text':
        case 'variable':
        case 'secret':
          return piece;
      }
    });
  }

  variable(name: string): ValueText {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      throw new Refusal('it names a variable that is no name');
    return [{ kind: 'variable', name, fallback: undefined }];
  }

  record(entry: Fields, key: string): Readonly<Record<string, ValueText>> {
    const fields = entry[key];
    if (fields === undefined || fields === null) return {};
    if (!isFields(fields)) throw new Refusal(`its "${key}" is no mapping`);
    const values: Record<string, ValueText> = {};
    for (const [name, value] of Object.entries(fields)) {
      if (typeof value === 'string') values[name] = this.read(value);
      else if (typeof value === 'number' || typeof value === 'boolean')
        values[name] = [textPiece(String(value))];
      else this.notes.push(`"${key}.${name}" is not taken over: it is no text`);
      if (key === 'env' && !NAMES_VARIABLE.test(name)) {
        delete values[name];
        this.notes.push(`"env.${name}" is not taken over: no variable can be named so`);
      }
      if (key !== 'env' && SET_BY_TRANSPORT.test(name)) {
        delete values[name];
        this.notes.push(`"${key}.${name}" is not taken over: the gateway sets it itself`);
      }
    }
    return values;
  }

  #input(id: string): ValueText[number] {
    const input = this.source.inputs.get(id);
    const name = id
      .toUpperCase()
      .replaceAll(/[^A-Z0-9_]+/g, '_')
      .replace(/^(?=\d)/, '_');
    const isSecret = input?.isSecret ?? true;
    this.notes.push(
      `VS Code asked for "${id}"${isSecret ? ', a secret' : ''}: now it is the variable ${name}`,
    );
    return { kind: 'variable', name, fallback: isSecret ? undefined : input?.fallback };
  }
}

/** A file below the working directory, as far as its look tells. */
const looksRelative = (word: string): boolean =>
  /^\.{1,2}(?:[\\/]|$)/.test(word) ||
  /^[\w.-]+(?:[\\/][\w.-]+)*\.(?:[cm]?[jt]s|py|sh|rb|jar)$/.test(word);

const isAbsolute = (path: string): boolean => /^(?:[\\/~]|[A-Za-z]:[\\/]|\$\{)/.test(path);

const joined = (folder: string, path: string): string =>
  `${folder.replace(/[\\/]$/, '')}/${path.replace(/^\.[\\/]/, '')}`;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function textOf(entry: Fields, key: string): string | undefined {
  const value = entry[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || value === '') throw new Refusal(`its "${key}" is no text`);
  return value;
}

function listOf(entry: Fields, key: string): readonly string[] {
  const value = entry[key];
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new Refusal(`its "${key}" is no list`);
  return value.map((item: unknown) => {
    if (typeof item === 'string') return item;
    if (typeof item === 'number' || typeof item === 'boolean') return String(item);
    throw new Refusal(`its "${key}" holds what is no text`);
  });
}

/** `env_vars` of Codex: names, or mappings that have one. */
const listOfNames = (value: unknown): readonly string[] =>
  Array.isArray(value)
    ? value.flatMap((item: unknown) => {
        if (typeof item === 'string') return [item];
        return isFields(item) && typeof item['name'] === 'string' ? [item['name']] : [];
      })
    : [];
