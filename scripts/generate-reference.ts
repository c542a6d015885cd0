// Prints the pages of docs/reference/ from what the gateway itself obeys: the schema of the configuration,
// the catalogue of errors, the tables of the gateway's own tools, of the fault lab and of observed keys. `--check` writes nothing and fails when a page differs.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import {
  configDocument,
  type ConfigDocument,
} from '../packages/gateway/src/bootstrap/config/schema.ts';
import { configKeysPage } from './config-keys-page.ts';
import { errorsPage } from './errors-page.ts';
import { faultsPage } from './faults-page.ts';
import { inputSchemas } from './input-schemas.ts';
import { ROOT } from './run-command.ts';
import { standardModule } from './standard-values.ts';
import { toolsPage } from './tools-page.ts';

/** What this file reads of the JSON Schema that zod prints, with the `.meta()` of `schema.ts` beside it. */
interface Node {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Node[];
  readonly items?: Node;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | boolean;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly env?: string;
  readonly inactive?: 'notice' | 'refuse';
}

interface Row {
  readonly path: string;
  readonly node: Node;
  readonly inactive: Node['inactive'];
  /** What the place around it said already. */
  readonly inherited: Node['inactive'];
}

type LimitKey = keyof ConfigDocument['limits'];

/** Written by hand, because the schema does not know it; a key without an entry does not compile. */
const AT_THE_LIMIT = {
  body_bytes_max:
    '`BODY_TOO_LARGE`: HTTP 413, and the connection is closed; over stdio the line is skipped.',
  json_depth_max: 'Code -32600, over HTTP with status 400.',
  header_bytes_max: 'HTTP 431 without a body, from Node itself.',
  sessions_max:
    'The session that is idle longest ends to make room. Where none is idle: `SESSIONS_FULL`, HTTP 503.',
  session_idle_s:
    'The session ends. The next request on it gets `SESSION_UNKNOWN`, HTTP 404, and the client initializes again. A session over stdio lasts as long as its pipe.',
  streams_max:
    '`STREAMS_FULL`, HTTP 503, for the GET stream or `subscriptions/listen`. Each client over stdio counts alone.',
  in_flight_max: 'Error `GATEWAY_BUSY`.',
  parked_calls_max: 'The call that would wait ends with `GATEWAY_BUSY`.',
  client_buffer_bytes_max:
    'A client that does not read loses its connection, and its call ends with `CLIENT_TOO_SLOW`. An answer that is larger than this ends with `UPSTREAM_ANSWER_TOO_LARGE`. Over stdio an answer that does not fit beside what waits ends its call with `CLIENT_TOO_SLOW`; where not even a small message fits, the pipe is closed.',
  replay_events_max:
    'Older events go. A `Last-Event-ID` from before one that is gone gets HTTP 400, code -32600.',
  replay_bytes_max: 'The same.',
  upstream_message_bytes_max:
    'Error `UPSTREAM_ANSWER_TOO_LARGE` for that call; the server runs on.',
  upstream_queue_bytes_max: 'Error `UPSTREAM_QUEUE_FULL`.',
  lease_wait_s: 'Error `LEASE_TIMED_OUT`.',
  shutdown_grace_s: 'Error `GATEWAY_STOPPING`. Over stdio the end of stdin begins a shutdown too.',
} as const satisfies Record<LimitKey, string>;

const asNode = (schema: unknown): Node => schema as Node; // JSON Schema is data; Node names what is read of it
const document = asNode(z.toJSONSchema(configDocument(), { io: 'input' }));
const blocks = document.properties ?? {};
const serverNode = blocks['mcp_servers']?.additionalProperties;
const serverKeys = typeof serverNode === 'object' ? (serverNode.properties ?? {}) : {};

const code = (text: string): string => `\`${text}\``;
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows]
    .map((row) => `| ${row.map(cell).join(' | ')} |`)
    .join('\n');

/** A plain number, as it would be written; a size in bytes also as people say it. */
function amount(value: number): string {
  const mib = value / 1024 ** 2;
  if (Number.isInteger(mib) && mib >= 1) return `${value} (${mib} MiB)`;
  return String(value);
}

function valueText(value: unknown): string {
  if (typeof value === 'number') return amount(value);
  if (Array.isArray(value) && value.length === 0) return 'none';
  if (typeof value === 'object' && value !== null && Object.keys(value).length === 0) return 'none';
  if (value === '') return 'empty';
  return code(typeof value === 'string' ? value : JSON.stringify(value));
}

/** Choices; upper-case twins of lower-case ones are left out. */
function choices(values: readonly unknown[]): string {
  const all = values.map(String);
  const shown = all.filter(
    (choice) => choice === choice.toLowerCase() || !all.includes(choice.toLowerCase()),
  );
  return shown.map(code).join(', ');
}

function typeOf(node: Node): string {
  if (node.enum !== undefined) return choices(node.enum);
  if (node.anyOf !== undefined) return [...new Set(node.anyOf.map(typeOf))].join(' or ');
  if (node.type === 'array') return listType(node.items);
  return node.type === undefined ? 'any' : (TYPE_NAMES[node.type] ?? node.type);
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  integer: 'whole number',
  string: 'text',
  boolean: '`true`, `false`',
  object: 'mapping',
};

const listType = (items: Node | undefined): string =>
  items?.properties === undefined && items?.type === 'string' ? 'list of texts' : 'list';

/** Zod gives integers the bounds of safe integers, which nobody asked for. */
const bound = (value: number | undefined): number | undefined =>
  value === undefined || Math.abs(value) >= Number.MAX_SAFE_INTEGER ? undefined : value;

function rangeOf(node: Node): string {
  const [low, high] = [bound(node.minimum), bound(node.maximum)];
  if (low !== undefined && high !== undefined) return `${amount(low)} to ${amount(high)}`;
  if (low !== undefined) return `at least ${amount(low)}`;
  if (high !== undefined) return `at most ${amount(high)}`;
  if (node.maxItems !== undefined) return `at most ${amount(node.maxItems)} entries`;
  if (node.maxLength !== undefined) return `at most ${amount(node.maxLength)} characters`;
  return '';
}

/** A key and every key below it, parents first. `skip` leaves out keys that are described elsewhere. */
function rowsOf(
  path: string,
  node: Node,
  inherited: Node['inactive'],
  skip: (key: string) => boolean = () => false,
): Row[] {
  const inactive = node.inactive ?? inherited;
  const rows: Row[] = [{ path, node, inactive, inherited }];
  for (const form of node.anyOf ?? [node]) {
    const below = form.items ?? form;
    const prefix = form.items === undefined ? path : `${path}[]`;
    for (const [key, child] of Object.entries(below.properties ?? {})) {
      if (!skip(key)) rows.push(...rowsOf(`${prefix}.${key}`, child, inactive));
    }
    const values = below.additionalProperties;
    if (typeof values === 'object' && (values.properties ?? values.additionalProperties)) {
      rows.push(...rowsOf(`${prefix}.NAME`, values, inactive).slice(1));
    }
  }
  return rows;
}

function describe({ node, inactive, inherited }: Row): string {
  const isNews = inactive !== inherited;
  const parts = [
    node.description ?? '',
    node.env === undefined || inactive !== undefined ? '' : `Environment: ${code(node.env)}.`,
    isNews && inactive === 'notice' ? '*Not active in this build.*' : '',
    isNews && inactive === 'refuse' ? '**Refused in this build.**' : '',
  ];
  return parts.filter((part) => part !== '').join(' ');
}

const keyTable = (rows: readonly Row[]): string =>
  table(
    ['Key', 'Type', 'Default', 'Range', 'Description'],
    rows.map((row) => [
      code(row.path),
      typeOf(row.node),
      row.node.default === undefined ? '' : valueText(row.node.default),
      rangeOf(row.node),
      describe(row),
    ]),
  );

function blockSection(name: string, node: Node): string {
  const rows = rowsOf(name, node, undefined);
  const own = rows[0];
  const text = own === undefined ? '' : describe(own);
  return rows.length === 1
    ? `## \`${name}\`\n\n${keyTable(rows)}`
    : `## \`${name}\`\n\n${text}\n\n${keyTable(rows.slice(1))}`;
}

/** A member of a group has the keys of a server too; only its own are listed. */
const serverRows = (isActive: boolean): Row[] =>
  Object.entries(serverKeys)
    .filter(([, node]) => (node.inactive === undefined) === isActive)
    .flatMap(([key, node]) =>
      rowsOf(
        key,
        node,
        isActive ? undefined : 'notice',
        (child) => key === 'members' && child in serverKeys,
      ),
    );

const GENERATED = '<!-- Written by `node scripts/generate-reference.ts`; do not edit. -->';
const SERVER_MAPS = new Set(['mcp_servers', 'providers']);
const isActiveBlock = ([name, node]: readonly [string, Node]): boolean =>
  node.inactive === undefined && !SERVER_MAPS.has(name) && name !== '$schema';

function configurationPage(): string {
  const entries = Object.entries(blocks);
  const section = ([name, node]: readonly [string, Node]): string => blockSection(name, node);
  return `${GENERATED}

# Configuration

One YAML (or JSON) file. Every key that can be written is listed here; an unknown key is an error that names the
nearest known one. \`mcp-hangar config check FILE\` checks a file and starts nothing.

A key marked *not active in this build* is accepted and checked, has no effect, and gives one line at start. A key
marked **refused in this build** stops the start, because ignoring it would open access. \`auth\` and \`approvals\`
may be written with \`enabled: false\`.

A value may use \`\${NAME}\` and \`\${NAME:-default}\`; \`$\${\` stands for a literal \`\${\`. \`\${CONFIG_DIR}\` is the
folder of the file, unless the environment has a variable of that name. A variable that the environment does not have
is looked up in the file that \`env_file\` names. Values only, once: what is put in is not looked at again. Where a key names an environment variable, the variable wins over the file and the command line
wins over both.

## \`mcp_servers\`, \`providers\`

A mapping from the id of a server to its entry. Both names mean the same and a file may have both; an id may be in
one of them only. An id matches \`^[A-Za-z][A-Za-z0-9_-]{0,63}$\`, has no \`__\` in it and does not end with \`_\`.

${keyTable(serverRows(true))}

### Keys of a server that wait for a later build

They are not active in this build, or refused where the table says so. A server whose \`mode\` cannot run yet is
listed as dead with that reason; the others serve. A member of a group may have every key of a server too.

${keyTable(serverRows(false))}

${entries.filter(isActiveBlock).map(section).join('\n\n')}

# Blocks that wait for a later build

${entries
  .filter(([, node]) => node.inactive !== undefined)
  .map(section)
  .join('\n\n')}

## \`$schema\`

${keyTable(rowsOf('$schema', blocks['$schema'] ?? {}, undefined))}
`;
}

function limitsPage(): string {
  const limits = blocks['limits']?.properties ?? {};
  const effects: Readonly<Record<string, string>> = AT_THE_LIMIT;
  return `${GENERATED}

# Limits

Keys of the block \`limits\`. Everything that can grow has a bound; this is what a client sees when it is reached. What
the codes mean and what to do is in [errors](errors.md).

${table(
  ['Key', 'Default', 'What it bounds', 'At the limit'],
  Object.entries(limits).map(([key, node]) => [
    code(key),
    valueText(node.default),
    node.description ?? '',
    effects[key] ?? '',
  ]),
)}
`;
}

const PAGES: Readonly<Record<string, () => string | Promise<string>>> = {
  'docs/reference/configuration.md': configurationPage,
  'docs/reference/errors.md': () => errorsPage(GENERATED),
  'docs/reference/faults.md': () => faultsPage(GENERATED),
  'docs/reference/limits.md': limitsPage,
  'docs/reference/observed-keys.md': () => configKeysPage(GENERATED),
  'docs/reference/tools.md': () => toolsPage(GENERATED),
  'packages/gateway/src/application/gateway-tools/input-schemas.ts': inputSchemas,
  'packages/gateway/src/bootstrap/config/standard-values.ts': standardModule,
};

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // not written yet
  }
}

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
let stale = 0;
for (const [file, page] of Object.entries(PAGES)) {
  const path = join(ROOT, file);
  const text = await page();
  if (textOf(path) === text) continue;
  stale += 1;
  if (values.check) {
    console.error(`${file} differs: run "node scripts/generate-reference.ts"`);
    continue;
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  console.log(`${file} written`);
}
if (values.check) console.log(`${Object.keys(PAGES).length} pages, ${stale} differ`);
process.exitCode = values.check && stale > 0 ? 1 : 0;
