/** Files of AI clients: read, their servers taken over, our entry set and taken out again. */
import { isDeepStrictEqual } from 'node:util';
import {
  editClientText,
  readClientText,
} from '../../packages/gateway/src/application/setup/client-text.ts';
import {
  contentOf,
  entriesOf,
  inputsOf,
} from '../../packages/gateway/src/application/setup/read-clients.ts';
import { loadGatewayConfig } from '../../packages/gateway/src/bootstrap/config/load-config.ts';
import { editConfig } from '../../packages/gateway/src/bootstrap/config/edit/edit-config.ts';
import { CLIENTS, type ClientSpec } from '../../packages/gateway/src/domain/setup/client-table.ts';
import { convertEntry } from '../../packages/gateway/src/domain/setup/convert-entry.ts';
import { entryOf, neededVariables } from '../../packages/gateway/src/domain/setup/draft.ts';
import { validId } from '../../packages/gateway/src/domain/setup/gather-servers.ts';
import { expect, type Target } from '../engine/target.ts';

const AROUND = { home: '/home/fuzz', project: '/home/fuzz/code', separator: '/' };
const NAME = 'hangar-fuzz';
const PATH = '/etc/fuzz/config.yaml';
/** Converting one entry costs a run of the whole loader. */
const ENTRIES_MAX = 4;

/** The first character says whose file it is. */
function run(input: Buffer): void {
  const text = input.subarray(1).toString('utf8');
  const client = CLIENTS[(input[0] ?? 0) % CLIENTS.length];
  if (client === undefined) return;
  const read = readClientText(client.format, text);
  if (!read.ok) {
    expect(read.error !== '', 'a refusal has a reason');
    const edited = editClientText(client.format, text, [ours(client)]);
    expect(!edited.ok, 'what cannot be read is not edited', edited);
    return;
  }
  takeOver(client, text);
  setAndRemove(client, text, read.value);
}

const ours = (client: ClientSpec) => ({
  path: [client.serversKey, NAME],
  value: client.stdioEntry({ command: '/bin/hangar', args: ['--config', PATH], env: { A: '"\n' } }),
});

function setAndRemove(client: ClientSpec, text: string, before: unknown): void {
  const { path, value } = ours(client);
  const own: unknown = Object(before)[client.serversKey];
  if (typeof own === 'object' && own !== null && NAME in own) return; // an input that has learned our name
  const set = editClientText(client.format, text, [{ path, value }]);
  if (!set.ok) return; // refused in words
  const removed = editClientText(client.format, set.value, [{ path, value: undefined }]);
  expect(removed.ok, 'what was set can be taken out', set.value);
  const after = readClientText(client.format, removed.value);
  const isSame = after.ok && isDeepStrictEqual(known(after.value, client), known(before, client));
  expect(isSame, 'setting and taking out leaves what was there', removed.value);
}

/** A mapping of servers that was not there may stay, empty. */
function known(value: unknown, { serversKey }: ClientSpec): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(
    ([key, item]) => key !== serversKey || !isDeepStrictEqual({ ...Object(item) }, {}),
  );
  return JSON.stringify(Object.fromEntries(entries));
}

function takeOver(client: ClientSpec, text: string): void {
  const content = contentOf(client.format, text);
  const file = {
    client,
    scope: 'user',
    path: '/home/fuzz/file',
    project: undefined,
    content,
  } as const;
  const inputs = inputsOf(file);
  for (const { name, entry } of entriesOf(file).slice(0, ENTRIES_MAX)) {
    const source = { client, around: AROUND, inputs, ownUrls: ['http://127.0.0.1:8000/mcp'] };
    const converted = convertEntry(entry, source);
    if (converted.kind === 'refused') expect(converted.reason !== '', 'a refusal has a reason');
    if (converted.kind !== 'server') continue;
    const { draft } = converted;
    const id = validId(name);
    const server = entryOf(draft);
    const env = Object.fromEntries(neededVariables(draft).map((variable) => [variable, 'x']));
    // What the loader refuses is skipped, and that is said.
    const alone = JSON.stringify({ mcp_servers: { [id]: server } });
    if (!loadGatewayConfig({ text: alone, env }).ok) continue;
    const written = editConfig({ file: PATH, text: undefined }, [{ kind: 'set', id, server }]);
    expect(written.ok, 'what is taken over can be written', { id, entry });
    const loaded = loadGatewayConfig({ path: PATH, text: written.value, env });
    const ids = loaded.ok ? loaded.value.servers.map((server) => String(server.id)) : [id];
    expect(isDeepStrictEqual(ids, [id]), 'it is one server under its id', ids);
  }
}

const JSON_FILE = `{
  // mine
  "mcpServers": {
    "files": { "command": "npx", "args": ["-y", "server", "\${workspaceFolder}"], "env": { "TOKEN": "\${env:TOKEN}" } },
    "far": { "url": "https://example.com/mcp", "headers": { "Authorization": "Bearer abc" }, "disabled": true },
  },
  "servers": { "in": { "type": "stdio", "command": "x", "env": { "K": "\${input:key}" } } },
  "inputs": [{ "id": "key", "type": "promptString", "password": true, "default": "d" }],
  "context_servers": { "z": { "source": "custom", "command": "y" } },
  "projects": { "/home/fuzz/code": { "mcpServers": { "p": { "command": "q" } } } }
}
`;
const TOML_FILE = `# mine
model = "o"
[mcp_servers.files]
command = "npx"
args = ["-y", "server"]
env = { TOKEN = "abc" }
[mcp_servers."far.away"]
url = "https://example.com/mcp"
http_headers = { A = "b" }
bearer_token_env_var = "T"
`;
const LETTERS = CLIENTS.map((_, index) =>
  String.fromCodePoint(0x60 + ((0x60 % CLIENTS.length) + index)),
);

export const target: Target = {
  beginnings: LETTERS.flatMap((letter) => [
    letter + JSON_FILE,
    letter + TOML_FILE,
    `${letter}{}`,
    letter,
  ]),
  dictionary: [
    '"mcpServers": {',
    '"servers"',
    '"context_servers"',
    '[mcp_servers.',
    '[[',
    ']]',
    '"command": ',
    '"args": [',
    '"env": {',
    '"url": ',
    '"headers"',
    '"type": "sse"',
    '${env:A}',
    '${input:key}',
    '${userHome}',
    '$HOME',
    '${',
    '//',
    '/* ',
    ' */',
    ',',
    ', }',
    '\ufeff',
    '\r\n',
    '\\u0000',
    '\\ud800',
    '"__proto__"',
    '"constructor"',
    "'''",
    '"""',
    '1979-05-27',
    'inf',
    '= {',
    'mcp-hangar',
    '--config',
    'null',
    '[]',
    '\u2028',
    '"hangar-fuzz": {}',
  ],
  bytesMax: 8_192,
  open: () => Promise.resolve({ run, close: () => Promise.resolve() }),
};
