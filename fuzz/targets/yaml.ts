/** Configuration texts, through the whole loader. */
import { loadGatewayConfig } from '../../packages/gateway/src/bootstrap/config/load-config.ts';
import { expect, type Target } from '../engine/target.ts';

const SECRET = 'hunter2-correct-horse';
const ENV = { TOKEN: SECRET, N: '42', EMPTY: '', HOME: '/home/fuzz' };
const PROBLEMS_MAX = 10_000;

function run(input: Buffer): void {
  const text = input.toString('utf8');
  const source = { path: '/etc/fuzz/config.yaml', text, env: ENV };
  const result = loadGatewayConfig(source);
  if (result.ok) {
    const again = loadGatewayConfig(source);
    const [one, other] = [result, again].map((each) => JSON.stringify(each));
    expect(one === other, 'a text is read the same twice', { one, other });
    // A configuration can be told of: in logs and events.
    if (!shown.test(text)) expect(!one?.includes(SECRET), 'no secret is in what is shown', one);
    return;
  }
  const { error: problems } = result;
  expect(problems.length > 0, 'a refusal has a reason');
  expect(problems.length <= PROBLEMS_MAX, 'reasons can be read', problems.length);
  const lines = text.split(/\r\n|\r|\n/).length;
  for (const problem of problems) {
    const { line, column, message, fix } = problem;
    expect(message !== '' && fix !== '', 'a problem has a message and a fix', problem);
    const isPlace = line === undefined || (line >= 1 && line <= lines && (column ?? 1) >= 1);
    expect(isPlace, 'a problem has a place in the text', { problem, lines });
    expect(!JSON.stringify(problem).includes(SECRET), 'no secret is in a problem', problem);
  }
}

/** Where a reference is put into what is no secret: an argument, a name, a description. */
const shown = /\$\{TOKEN/;

const FULL = `
mcp_servers:
  files:
    command: [npx, -y, "@scope/server", "\${N}"]
    env: { TOKEN: "\${TOKEN}", A: "\${UNSET:-x}" }
    cwd: \${CONFIG_DIR}
    sharing: session
    idle_ttl_s: 60
  far:
    mode: remote
    endpoint: https://example.com/mcp
    http: { max_retries: 2 }
  old: &old { mode: subprocess, command: node a.js }
  other: { <<: *old, enabled: false }
http: { port: 8000, host: 127.0.0.1, allowed_hosts: [a] }
limits: { body_bytes_max: 1000000 }
logging: { level: info, json_format: true }
tool_access: { mode: hybrid, gateway_tools: both }
catalog: { warm: lazy }
event_store: { enabled: true, driver: memory }
`;

export const target: Target = {
  beginnings: [
    FULL,
    '{"mcp_servers":{"a":{"command":["x"]}}}',
    'mcpServers:\n  a:\n    command: x\n    args: [--b]\n',
    'providers: { a: { mode: subprocess, command: [x] } }\n',
    'mcp_servers: { a: { command: |\n  x\n } }\n---\n...\n',
    '%YAML 1.2\n---\n!!map {? [a] : b}\n',
    '',
    '# nothing\n',
  ],
  dictionary: [
    '${TOKEN}',
    '${TOKEN',
    '${UNSET}',
    '${N:-${A}}',
    '$${',
    '<<: *old',
    '&a ',
    '*a',
    '!!str ',
    '!x ',
    ': ',
    '- ',
    '\n  ',
    '\t',
    '? ',
    '|\n ',
    '>-\n ',
    '"\\u0000"',
    '{',
    '}',
    '[',
    ']',
    '---\n',
    '~',
    'null',
    '.inf',
    '0x1F',
    '1e999',
    '2026-07-28',
    'yes',
    '__proto__: ',
    'constructor: ',
    'mcp_servers:\n  ',
    'groups: ',
    'discovery: ',
    'retry: ',
    'tools: ',
    'hidden_tools: [a*]',
    'endpoint: ',
    'headers: ',
    'auth: ',
    'sharing: leased\n',
    'lease_wait_s: 0.1',
    '\ufeff',
    '\u2028',
    '\r',
  ],
  bytesMax: 8_192,
  open: () => Promise.resolve({ run, close: () => Promise.resolve() }),
};
