/**
 * The gateway as the client under test: `client-driver.ts URL` starts it in front of the server that the suite gives,
 * and a client of the SDK makes the calls of the scenario through it.
 */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { modernCall } from '../support/clients.ts';
import { startGateway } from '../support/gateway.ts';
import { remote } from '../support/remote.ts';

type Call = { readonly name: string; readonly arguments?: Record<string, unknown> };
type Step = (client: Client) => Promise<unknown>;

const url = process.argv.at(-1) ?? '';
const scenario = process.env['MCP_CONFORMANCE_SCENARIO'] ?? '';
const revision = process.env['MCP_CONFORMANCE_PROTOCOL_VERSION'] ?? '2025-11-25';
// Written by the suite: what a scenario wants called, where that is not the same every time.
const context = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}') as {
  readonly toolCalls?: readonly Call[];
};

const call =
  (name: string, args: Record<string, unknown> = {}): Step =>
  (client) =>
    client.callTool({ name, arguments: args });
/** A tool that must not be there: the gateway has to refuse the call by itself. */
const refused =
  (name: string): Step =>
  (client) =>
    client.callTool({ name, arguments: {} }).then(
      () => Promise.reject(new Error(`${name} was called`)),
      () => undefined,
    );

const INVALID_TOOLS = [
  'invalid_empty_header',
  'invalid_object_header',
  'invalid_array_header',
  'invalid_null_header',
  'invalid_number_header',
  'invalid_duplicate_same_case',
  'invalid_duplicate_diff_case',
  'invalid_space_in_name',
  'invalid_colon_in_name',
  'invalid_non_ascii_name',
  'invalid_control_char_name',
];

const STEPS: Readonly<Record<string, readonly Step[]>> = {
  tools_call: [call('add_numbers', { a: 5, b: 3 })],
  'elicitation-sep1034-client-defaults': [call('test_client_elicitation_defaults')],
  'sse-retry': [call('test_reconnection')],
  'request-metadata': [],
  'sep-2322-client-request-state': [
    call('test_mrtr_echo_state'),
    call('test_mrtr_unrelated'),
    call('test_mrtr_no_state'),
    // The SDK's own client refuses such a result, so it is called without one.
    () => modernCall(gateway.url('upstream'), 'test_mrtr_no_result_type').answer(),
  ],
  'http-standard-headers': [
    call('test_headers'),
    call('my-hyphenated-tool'),
    (client) => client.listResources(),
    (client) => client.readResource({ uri: 'file:///path/to/file%20name.txt' }),
    (client) => client.readResource({ uri: 'https://example.com/resource?id=123' }),
    (client) => client.listPrompts(),
    (client) => client.getPrompt({ name: 'test_prompt' }),
  ],
  'http-custom-headers': (context.toolCalls ?? []).map((each) => call(each.name, each.arguments)),
  'http-invalid-tool-headers': [
    call('valid_tool', { region: 'here' }),
    async (client) => {
      const listed = (await client.listTools()).tools.map(({ name }) => name);
      const unwanted = listed.filter((name) => INVALID_TOOLS.includes(name));
      if (unwanted.length > 0) throw new Error(`Listed: ${unwanted.join(', ')}`);
    },
    ...INVALID_TOOLS.map(refused),
  ],
  'json-schema-2020-12-preservation': [
    async (client) => {
      const { tools } = await client.listTools();
      const tool = tools.find(({ name }) => name === 'json_schema_2020_12_tool');
      return client.callTool({
        name: 'json_schema_echo',
        arguments: { schema: tool?.inputSchema },
      });
    },
  ],
};

await using gateway = await startGateway({ mcp_servers: { upstream: remote(url) } });
const client = new Client(
  { name: 'conformance-driver', version: '1.0.0' },
  {
    capabilities: { elicitation: { form: { applyDefaults: true } } },
    versionNegotiation: { mode: revision >= '2026-07-28' ? { pin: '2026-07-28' } : 'legacy' },
  },
);
client.setRequestHandler('elicitation/create', () => ({
  action: 'accept',
  content: scenario.startsWith('sep-2322') ? { confirmed: true } : {},
}));
await client.connect(new StreamableHTTPClientTransport(new URL(gateway.url('upstream'))));
await client.listTools();
for (const step of STEPS[scenario] ?? []) await step(client);
await client.close();
