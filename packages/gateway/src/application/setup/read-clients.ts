/** The clients of this user as their files show them. */
import type { ClientSpec } from '../../domain/setup/client-table.ts';
import type { InputSpec } from '../../domain/setup/convert-entry.ts';
import { readClientText } from './client-text.ts';

type Fields = Readonly<Record<string, unknown>>;

/** One file of one client. */
export interface ClientFile {
  readonly client: ClientSpec;
  readonly scope: 'user' | 'project';
  /** Absolute. */
  readonly path: string;
  /** The folder that it belongs to; undefined for a file of the user. */
  readonly project: string | undefined;
  readonly content:
    | { readonly kind: 'absent' }
    | { readonly kind: 'broken'; readonly reason: string }
    | { readonly kind: 'read'; readonly text: string; readonly value: Fields };
}

/** An MCP server in a file of a client. */
export interface ClientEntry {
  readonly file: ClientFile;
  /** The mapping that it is in. */
  readonly path: readonly string[];
  readonly name: string;
  readonly entry: unknown;
  readonly project: string | undefined;
}

/** Looks into the text of a file. */
export function contentOf(format: ClientSpec['format'], text: string): ClientFile['content'] {
  const read = readClientText(format, text);
  return read.ok
    ? { kind: 'read', text, value: read.value }
    : { kind: 'broken', reason: read.error };
}

/** Every server that a file has, in its order. */
export function entriesOf(file: ClientFile): readonly ClientEntry[] {
  const { client, content, project } = file;
  if (content.kind !== 'read') return [];
  const { serversKey } = client;
  const own = serversAt(file, { path: [serversKey], fields: content.value, project });
  if (client.hasProjects !== true) return own;
  const projects = Object.entries(fieldsAt(content.value, 'projects'));
  return [
    ...own,
    ...projects.flatMap(([folder, fields]) =>
      isFields(fields)
        ? serversAt(file, { path: ['projects', folder, serversKey], fields, project: folder })
        : [],
    ),
  ];
}

function serversAt(
  file: ClientFile,
  at: { path: readonly string[]; fields: Fields; project: string | undefined },
): readonly ClientEntry[] {
  return Object.entries(fieldsAt(at.fields, file.client.serversKey)).map(([name, entry]) => ({
    file,
    path: at.path,
    name,
    entry,
    project: at.project,
  }));
}

/** What VS Code asks its user for. */
export function inputsOf({ content }: ClientFile): ReadonlyMap<string, InputSpec> {
  const inputs = content.kind === 'read' ? content.value['inputs'] : undefined;
  if (!Array.isArray(inputs)) return new Map();
  return new Map(
    inputs.flatMap((input: unknown): readonly (readonly [string, InputSpec])[] => {
      if (!isFields(input) || typeof input['id'] !== 'string') return [];
      const { id, password, default: fallback } = input;
      const isSecret = password === true || input['type'] === 'command';
      return [[id, { isSecret, fallback: typeof fallback === 'string' ? fallback : undefined }]];
    }),
  );
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function fieldsAt(fields: Fields, key: string): Fields {
  const value = fields[key];
  return isFields(value) ? value : {};
}
