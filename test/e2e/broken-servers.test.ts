/** Servers that are broken in the ways that people meet: what a call says of each, and what `doctor` does. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrokenServers } from '../support/broken.ts';
import { LegacyClient, modernCall } from '../support/clients.ts';
import { doctor, type DoctorReport } from '../support/doctor.ts';
import type { GatewayProcess } from '../support/gateway.ts';
import type { Message } from '../support/http.ts';
import { Household } from '../support/household.ts';
import { until } from '../support/until.ts';

let house: Household;
let servers: BrokenServers;
let gateway: GatewayProcess;
let report: DoctorReport;

beforeAll(async () => {
  house = new Household(() => ({ mcp_servers: {} }));
  servers = await BrokenServers.open(house.folder);
  house.write({ mcp_servers: servers.entries });
  gateway = await house.http();
  report = (await doctor(house, '--json')).report;
});
afterAll(async () => {
  await house?.[Symbol.asyncDispose]();
  await servers?.[Symbol.asyncDispose]();
});

interface Broken {
  readonly server: string;
  /** Of the error of a call. */
  readonly code: string;
  /** Of the finding. */
  readonly id: string;
  readonly cause: RegExp;
  readonly fix: RegExp;
}

const START_FAILED = 'MCP_SERVER_START_FAILED';

const NOT_STARTED: readonly Broken[] = [
  {
    server: 'runtime',
    code: START_FAILED,
    id: 'command_not_found',
    cause: /command "no-such-runtime" not found/,
    fix: /"no-such-runtime" is not on PATH \(.+\): install it, or write its full path/,
  },
  {
    server: 'package',
    code: START_FAILED,
    id: 'package_unknown',
    cause: /exit code 1 .*The requested resource 'mcp-server-gihtub@\*' could not be found/,
    fix: /npm does not know this package: check its name in "args"/,
  },
  {
    server: 'offline',
    code: START_FAILED,
    id: 'registry_unreachable',
    cause: /exit code 1 .*reason: getaddrinfo ENOTFOUND registry\.npmjs\.org/,
    fix: /npm cannot reach its registry: check the network, the proxy, or install the package/,
  },
  {
    server: 'crash',
    code: START_FAILED,
    id: 'crashed',
    cause: /exit code 1 .*TypeError: cannot read the map/,
    fix: /read that line, correct what it is given, or try another version of it/,
  },
  {
    server: 'stdout',
    code: START_FAILED,
    id: 'stdout_noise',
    cause: /did not answer "initialize" within 1 s/,
    fix: /prints to stdout \("Server ready"\), where only JSON-RPC may be: make it log to stderr/,
  },
  {
    server: 'talks',
    code: START_FAILED,
    id: 'stdout_noise',
    cause: /did not answer "initialize" within 1 s/,
    fix: /prints to stdout \("DEBUG answering .*make it log to stderr/,
  },
  {
    server: 'program',
    code: START_FAILED,
    id: 'not_mcp',
    cause: /did not answer "initialize" within 1 s/,
    fix: /what a web server would \("<!doctype html>.*"mode: remote"/,
  },
  {
    server: 'page',
    code: 'UPSTREAM_ANSWER_INVALID',
    id: 'not_mcp',
    cause: /answered with text\/html, which is neither JSON nor an event stream/,
    fix: /is the endpoint right\?/,
  },
  {
    server: 'hangs',
    code: START_FAILED,
    id: 'no_answer',
    cause: /did not answer "initialize" within 1 s/,
    fix: /raise "startup_timeout_s" .*check that it speaks MCP over stdio/,
  },
  {
    server: 'locked',
    code: 'UPSTREAM_UNAUTHORIZED',
    id: 'unauthorized',
    cause: /\/mcp answered 401/,
    fix: /it wants a credential: set auth\.type with auth\.bearer_token, or auth\.api_key/,
  },
  {
    server: 'tls',
    code: 'UPSTREAM_TLS_FAILED',
    id: 'tls_failed',
    cause: /failed \(DEPTH_ZERO_SELF_SIGNED_CERT\): its certificate is self-signed/,
    fix: /name it as tls\.ca_cert_path/,
  },
  {
    server: 'key',
    code: START_FAILED,
    id: 'env_missing',
    cause: /exit code 1 .*GITHUB_TOKEN is not set/,
    fix: /set what it asks for under "env" of this server/,
  },
  {
    server: 'docker',
    code: START_FAILED,
    id: 'container_runtime_down',
    cause: /exit code 125 .*Cannot connect to the Docker daemon/,
    fix: /the container runtime does not run: start Docker/,
  },
  {
    server: 'image',
    code: 'MCP_SERVER_INACTIVE',
    id: 'mode_inactive',
    cause: /mode `docker` is not active in this build/,
    fix: /run it as a command: \[docker, run, -i, --rm, IMAGE\]/,
  },
];

const dataOf = (message: Message): Record<string, unknown> =>
  (message.error?.data ?? {}) as Record<string, unknown>;

const serverOf = (id: string): DoctorReport['mcp_servers'][number] => {
  const found = report.mcp_servers.find((server) => server.id === id);
  if (found === undefined) throw new Error(`no ${id} in the report`);
  return found;
};

describe.each(NOT_STARTED)('$server', ({ server, code, id, cause, fix }) => {
  it('ends a call with cause and fix, as a sentence and apart', async () => {
    const first = await modernCall(gateway.url(server), 'search').answer();
    const data = dataOf(first);
    expect([code, 'MCP_SERVER_BACKING_OFF']).toContain(data['code']);
    expect(first.error?.message).toMatch(cause);
    expect(first.error?.message).toMatch(fix);
    expect(data['reason']).toMatch(cause);
    expect(data['fix']).toMatch(fix);
    // Whoever comes later, and waits, is told the same.
    const later = await (await LegacyClient.open(gateway.url(server))).call('search').answer();
    expect(later.error?.message).toMatch(cause);
    expect(dataOf(later)['fix']).toMatch(fix);
  });

  it('is shown with its cause and fix in the status', async () => {
    const client = await LegacyClient.open(gateway.url());
    await client.call(`${server}__search`).answer();
    const status = JSON.stringify((await client.call('registry_status').answer()).result);
    expect(status).toContain(server);
    const note = JSON.parse(status) as { structuredContent: { providers: Note[] } };
    const shown = note.structuredContent.providers.find((each) => each.id === server)?.note;
    expect(shown).toMatch(cause);
  });

  it('is diagnosed by doctor', () => {
    const { verdict, findings } = serverOf(server);
    expect(verdict).toBe('error');
    const [worst] = findings;
    expect(worst).toMatchObject({ id, level: 'error', message: expect.stringMatching(cause) });
    expect(worst?.fix).toMatch(fix);
  });
});

interface Note {
  readonly id: string;
  readonly note?: string;
}

describe('huge', () => {
  const cause = /tools\/list cannot be read: the answer has \d+ bytes; 4194304 are read at most/;
  const fix = /make the server list less or in pages/;

  it('ends a call of a tool that cannot be seen with cause and fix', async () => {
    const client = await LegacyClient.open(gateway.url());
    await client.call('huge__search').answer(); // by its full name it can be called
    const unknown = await until('its lists were asked for', async () => {
      const { error } = await client.call('search').answer();
      return error?.message.includes('huge') === true ? error.message : undefined;
    });
    expect(unknown).toMatch(/^Unknown tool: search.*; the lists of "huge" are missing: /);
    expect(unknown).toMatch(cause);
    expect(unknown).toMatch(fix);
    const tools = await client.call('registry_tools', { provider: 'huge' }).answer();
    expect(tools.result).toMatchObject({ isError: true });
    expect(JSON.stringify(tools.result)).toMatch(cause);
    const status = JSON.stringify((await client.call('registry_status').answer()).result);
    expect(status).toMatch(/its lists are missing: tools\/list cannot be read/);
  });

  it('is diagnosed by doctor', () => {
    const { verdict, findings } = serverOf('huge');
    expect(verdict).toBe('error');
    expect(findings[0]).toMatchObject({ id: 'list_failed', message: expect.stringMatching(cause) });
    expect(findings[0]?.fix).toMatch(fix);
  });
});

describe('long', () => {
  const name = `search_${'documents_'.repeat(5)}everywhere`;

  it('is called by its full name, and one that is shortened wrongly says what is right', async () => {
    const client = await LegacyClient.open(gateway.url());
    const whole = await client.call(`long__${name}`).answer();
    expect(JSON.stringify(whole.result)).toContain(`called ${name}`);
    const list = await client.request('tools/list').answer();
    const tools = list.result?.['tools'] as readonly { readonly name: string }[];
    const shown = tools.find((tool) => tool.name.startsWith('long__search'))?.name ?? '';
    expect(shown).toHaveLength(64);
    const wrong = `${shown.slice(0, -8)}00000000`;
    const { error } = await client.call(wrong).answer();
    expect(error?.message).toContain(`did you mean "${shown}"?`);
    expect(error?.message).toMatch(/names of more than 64 characters are shown shortened: list/);
  });

  it('is diagnosed by doctor', () => {
    const { verdict, findings } = serverOf('long');
    expect(verdict).toBe('warning');
    expect(findings[0]).toMatchObject({
      id: 'tool_name_long',
      message: expect.stringMatching(/^1 tool name of more than 64 characters with "long__" in/),
      fix: 'let clients connect to its own path /mcp/long, where no id stands in front',
    });
  });
});
