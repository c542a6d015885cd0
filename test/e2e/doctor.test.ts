/** `mcp-hangar doctor`: what it says, in text and JSON, and that nothing of it is left. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { needs } from '../../scripts/requirements.ts';
import { broken } from '../support/broken.ts';
import { doctor, hangar, type DoctorReport, type Finding } from '../support/doctor.ts';
import { COMMAND, environment, type Config } from '../support/gateway.ts';
import { Household } from '../support/household.ts';
import { isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';

/** Between the start of a process and the message to the guardian there is a moment. */
const HELD_MS = 200;

const linux = needs('linux', () => process.platform === 'linux');
const homes: Household[] = [];
afterEach(async () => {
  await Promise.all(homes.splice(0).map((home) => home[Symbol.asyncDispose]()));
});

function home(servers: Config, keys: Config = {}): Household {
  const made = new Household(() => ({ mcp_servers: servers, ...keys }));
  homes.push(made);
  return made;
}

const findingsOf = (report: DoctorReport, id: string): readonly Finding[] => {
  const found = report.mcp_servers.find((server) => server.id === id);
  if (found === undefined) throw new Error(`no ${id} in the report`);
  return found.findings;
};
const idsOf = (findings: readonly Finding[]): readonly string[] => findings.map(({ id }) => id);

describe('A server that is well', () => {
  it('is described, and its report in JSON is pinned: scripts read it', async () => {
    const house = home({ up: upstream() });
    const { code, stderr, report } = await doctor(house, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const number = expect.any(Number) as number;
    expect(report).toEqual({
      as_of: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/) as string,
      installation: {
        config: { path: house.file, chosen_by: expect.any(String) as string },
        state_folder: expect.stringContaining(house.folder) as string,
        node_version: expect.stringMatching(/^\d+\.\d+/) as string,
        gateway: { state: 'absent', pid: null },
        findings: expect.any(Array) as [],
      },
      mcp_servers: [
        {
          id: 'up',
          verdict: 'ok',
          era: 'legacy',
          revision: '2025-11-25',
          server: { name: 'upstream', version: '1.0.0' },
          capabilities: ['tools', 'resources', 'logging'],
          command: {
            configured: expect.stringContaining('node') as string,
            file: expect.stringContaining('node') as string,
            via: null,
            runtime: 'node',
            runtime_version: process.versions.node,
          },
          timings_ms: {
            spawn: number,
            handshake: number,
            first_list: number,
            second_list: number,
            call: null,
            stop: number,
          },
          tools: { count: 18, bytes: number, tokens_estimated: number },
          findings: [],
        },
      ],
      summary: {
        mcp_servers: 1,
        ok: 1,
        warning: 0,
        error: 0,
        skipped: 0,
        errors: 0,
        warnings: report.installation.findings.filter(({ level }) => level === 'warning').length,
      },
    });
  });

  it('has a line of its own in the text, and so has what is switched off', async () => {
    const house = home({ up: upstream(), off: { ...upstream(), enabled: false } });
    const { code, stdout, stderr } = await doctor(house);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^up: ok, legacy 2025-11-25, upstream 1\.0\.0, 18 tools \(\S+ kB, about \d+ tokens\), start \d+ ms, list \d+ ms, node \S+ at \S+$/m,
    );
    expect(stdout).toContain(
      'off: skipped\n  info     it is switched off (enabled: false) [disabled]\n',
    );
    expect(stdout).toMatch(/\n2 MCP servers: 1 ok, 1 skipped; 0 errors, \d warnings?\n$/);
  });

  it('is asked in the era that it speaks', async () => {
    const { report } = await doctor(home({ up: upstream(['--era=modern']) }), '--json');
    expect(report.mcp_servers[0]).toMatchObject({
      verdict: 'ok',
      era: 'modern',
      revision: '2026-07-28',
      server: { name: 'upstream', version: '1' },
      tools: { count: 18 },
    });
  });

  it('is checked beside the gateway that runs, which does not notice', async () => {
    const house = home({});
    const keep = { config_reload: { enabled: false } }; // else it takes the change below over
    house.write({ ...keep, mcp_servers: { up: upstream() } });
    const gateway = await house.http();
    const { code, report } = await doctor(house, '--json');
    expect(code).toBe(0);
    expect(report.installation['gateway']).toEqual({ state: 'running', pid: gateway.pid });
    expect(report.mcp_servers[0]).toMatchObject({ verdict: 'ok' });
    expect(gateway.stderr()).not.toContain('mcp_server_started');
    expect(gateway.stderr()).not.toContain('defect');
    house.write({ ...keep, mcp_servers: { up: upstream(), more: upstream() } });
    const changed = await doctor(house, 'up', '--json');
    expect(idsOf(changed.report.installation.findings)).toContain('gateway_other_configuration');
    gateway.kill();
    await gateway.exited;
    const gone = await doctor(house, 'up', '--json');
    expect(gone.report.installation['gateway']).toEqual({ state: 'absent', pid: null });
  });
});

describe('What is wrong with what a server lists', () => {
  it('is found in its schemas', async () => {
    const { code, report } = await doctor(home({ s: broken('schemas') }), '--json');
    expect(code).toBe(1);
    expect(findingsOf(report, 's').map(({ id, message }) => [id, message])).toEqual([
      ['schema_missing', 'the input schema of "missing" is missing'],
      ['schema_not_object', 'the input schema of "untyped" has no type; MCP wants "object"'],
      [
        'schema_invalid',
        'the input schema of "wrong" is no valid JSON Schema: #/properties/a/type is not one of the seven types, or a list of them',
      ],
      [
        'schema_ref_unresolved',
        'the input schema of "lost" has a $ref at #/properties/a that leads nowhere: #/$defs/b',
      ],
    ]);
  });

  it('is found in its names and in its size', async () => {
    const house = home({ names: broken('nameless'), many: broken('many') });
    const { report } = await doctor(house, '--json');
    expect(idsOf(findingsOf(report, 'names')).toSorted()).toEqual([
      'tool_name_collision',
      'tool_name_invalid',
      'tool_without_name',
    ]);
    expect(idsOf(findingsOf(report, 'many'))).toEqual(['tools_list_large', 'tools_many']);
    expect(report.mcp_servers[1]).toMatchObject({
      verdict: 'warning',
      tools: { count: 200, tokens_estimated: expect.any(Number) },
    });
  });

  it('is told where a list is refused', async () => {
    const { report } = await doctor(home({ r: broken('refuses') }), '--json');
    expect(findingsOf(report, 'r')).toMatchObject([
      { id: 'list_failed', message: 'it answered with error -32603: "the index is locked"' },
    ]);
  });
});

describe('What a server says and does beside its answers', () => {
  it('is counted on stdout and quoted from stderr', async () => {
    const house = home({
      chatty: upstream(['--boot=chatter']),
      complains: broken('complains'),
      leaves: broken('leaves'),
    });
    const { code, report } = await doctor(house, '--json');
    expect(code).toBe(1);
    expect(findingsOf(report, 'chatty')).toMatchObject([
      {
        id: 'stdout_polluted',
        level: 'warning',
        message: '3 lines on stdout that are no JSON-RPC, the first: "Starting up…"',
      },
    ]);
    expect(findingsOf(report, 'complains')).toMatchObject([
      {
        id: 'stderr_errors',
        message: '1 line on stderr looks like an error, the first: "ERROR cannot open the index"',
      },
    ]);
    expect(findingsOf(report, 'leaves')).toMatchObject([
      { id: 'list_failed', message: 'the server ended during the call (exit code 0)' },
      { id: 'ended_early' },
    ]);
  });

  it('is told where it does not end', async () => {
    const { report } = await doctor(home({ up: upstream(['--ignore-term']) }), '--json');
    expect(findingsOf(report, 'up')).toMatchObject(
      [
        {
          id: 'ignores_sigterm',
          level: 'warning',
          message: /^it goes on after SIGTERM: it took 7/,
        },
      ].map((each) => ({ ...each, message: expect.stringMatching(each.message) as string })),
    );
  });

  it('never shows what the configuration hides, in neither form', async () => {
    const token = 'tok-3f9a61c27b';
    const house = home({
      leaks: broken('token', { env: { TOKEN: '${LEAKED}' } }),
      dies: {
        command: [
          process.execPath,
          '-e',
          'console.error("no key " + process.env.K); process.exit(1)',
        ],
        env: { K: '${LEAKED}' },
      },
      remote: { mode: 'remote', endpoint: 'http://127.0.0.1:1/mcp?key=${LEAKED}' },
    });
    const run = (...args: readonly string[]): Promise<{ stdout: string; stderr: string }> =>
      hangar(house, ['doctor', ...args, '--config', house.file], { LEAKED: token });
    const call = ['leaks', '--call', 'search', '--arguments', '{"fail":true}'];
    for (const args of [[], ['--json'], call, [...call, '--json']]) {
      const { stdout, stderr } = await run(...args);
      expect(stdout).toContain('[secret]');
      expect(stdout + stderr).not.toContain(token);
    }
  });
});

describe('The configuration', () => {
  it('is told where a variable is not set, and the other servers are checked', async () => {
    const house = home({
      up: upstream(),
      needs: { ...upstream(), env: { T: '${NO_SUCH_TOKEN}' } },
      empty: { ...upstream(), env: { T: '${NO_SUCH_TOKEN:-}' } },
      script: { command: [process.execPath, 'gone.js', '--in=./nowhere'] },
    });
    const { code, report } = await doctor(house, '--json');
    expect(code).toBe(1);
    expect(report.installation.findings.filter(({ level }) => level === 'error')).toEqual([]);
    expect(findingsOf(report, 'up')).toEqual([]);
    expect(findingsOf(report, 'needs')).toMatchObject([
      {
        id: 'env_unset',
        message: 'the configuration refers to NO_SUCH_TOKEN, which is not set',
        fix: 'set NO_SUCH_TOKEN, or write ${NO_SUCH_TOKEN:-default}',
      },
    ]);
    expect(findingsOf(report, 'empty')).toMatchObject([{ id: 'env_empty' }]);
    expect(findingsOf(report, 'script')).toMatchObject([
      { id: 'path_missing', fix: 'the script that "args" names does not exist: correct its path' },
      { id: 'path_missing_in_args', message: expect.stringContaining('"./nowhere", "gone.js"') },
    ]);
  });

  it('is told with each of its problems where it cannot be read', async () => {
    const house = home({ up: { comand: ['x'] } });
    const { code, report } = await doctor(house, '--json');
    expect(code).toBe(1);
    expect(report.installation.findings.slice(0, 1)).toMatchObject([
      {
        id: 'config_invalid',
        level: 'error',
        message: `${house.file}:4:7: mcp_servers.up.comand: unknown key "comand"`,
        fix: 'did you mean "command"?',
      },
    ]);
    expect(report.mcp_servers).toEqual([]);
  });

  it('that others can write is told, and so is a folder that cannot be used', async () => {
    const house = home({ up: upstream() });
    chmodSync(house.file, 0o666);
    const file = join(house.folder, 'no-folder');
    writeFileSync(file, '');
    const { report } = await doctor(house, '--json', '--state-dir', file);
    expect(report.installation.findings).toMatchObject([
      { id: 'state_unusable', message: expect.stringContaining('it is not a folder') },
      { id: 'config_writable', fix: `chmod go-w ${house.file}` },
    ]);
    expect(report.installation['state_folder']).toBe(file);
  });

  it('names the port that another program holds, and the damage of an event log', async () => {
    const house = home({ up: upstream() }, { http: { port: 0 } });
    const folder = join(house.folder, 'state');
    mkdirSync(folder, { mode: 0o755 });
    chmodSync(folder, 0o755);
    writeFileSync(
      join(folder, 'events.db'),
      'this is no database, as long as it may look like one',
    );
    const { report } = await doctor(house, '--json', '--state-dir', folder);
    const ids = idsOf(report.installation.findings);
    expect(ids).toContain('event_log_damaged');
    expect(ids).toContain('state_open');
  });
});

describe('A tool', () => {
  it('is called where that is asked for, and only then', async () => {
    const house = home({ up: broken('plain') });
    const well = await doctor(house, 'up', '--json', '--call', 'search');
    expect(well.code).toBe(0);
    expect(well.report.mcp_servers[0]).toMatchObject({
      timings_ms: { call: expect.any(Number) },
      findings: [],
    });
    const failing = ['up', '--json', '--call', 'search', '--arguments', '{"fail":true}'];
    const { code, report } = await doctor(house, ...failing);
    expect(code).toBe(0);
    expect(findingsOf(report, 'up')).toMatchObject([
      { id: 'call_tool_error', level: 'warning', message: expect.stringContaining('no such page') },
    ]);
  });
});

describe.skipIf(linux.isMissing)(`What was started ${linux.mark}`, () => {
  it('has ended, also where it left its group, and that is told', async () => {
    const house = home({ escapes: broken('daemon'), hangs: upstream(['--boot=silent']) });
    const { report } = await doctor(house, '--json', '--timeout', '1');
    expect(findingsOf(report, 'escapes')).toMatchObject([
      {
        id: 'processes_escape',
        message: '1 process of it outlived it, and was ended now: "sleep"',
      },
    ]);
    expect(findingsOf(report, 'hangs')).toMatchObject([{ id: 'no_answer' }]);
    await until('nobody is left', () => house.processes().length === 0);
  });

  it('ends with Ctrl-C, with exit code 130', async () => {
    const house = home({ hangs: upstream(['--boot=silent']), escapes: broken('daemon') });
    const child = spawn(process.execPath, [COMMAND, 'doctor', '--config', house.file], {
      cwd: house.folder,
      env: environment(house.folder),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const exited = new Promise((resolve) => child.once('exit', resolve));
    await until('both run', () => house.processes().length >= 4);
    child.kill('SIGINT');
    expect(await exited).toBe(130);
    expect(stderr).toContain('interrupted');
    await until('nobody is left', () => house.processes().length === 0);
  });

  it('is gone after a kill of doctor itself, too', async () => {
    const house = home({ hangs: upstream(['--boot=silent', '--ignore-term']) });
    const child = spawn(process.execPath, [COMMAND, 'doctor', '--config', house.file], {
      cwd: house.folder,
      env: environment(house.folder),
      stdio: 'ignore',
    });
    await until('it runs', () => house.processes().length >= 2);
    await delay(HELD_MS); // one is held from the turn of its start on
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    await until('nobody is left', () => house.processes().length === 0);
    expect(isAlive(child.pid ?? 0)).toBe(false);
  });
});

describe('What is typed wrongly', () => {
  it.each([
    [['flies'], 1, 'no MCP server has the id "flies"\n  did you mean "files"?'],
    [['nothing-like-it'], 1, 'known: files, up'],
    [['--call', 'x'], 1, '--call names a tool of one server\n  mcp-hangar doctor SERVER --call x'],
    [['up', '--call', 'x', '--arguments', '[1]'], 1, '--arguments is no JSON object'],
    [['up', '--arguments', '{}'], 1, 'name the tool with --call TOOL'],
    [['--timeout', 'soon'], 1, '--timeout "soon" is no number of seconds up to 3600'],
    [['--jsn'], 1, 'Did you mean --json?'],
  ])('%j is answered with exit code %i and what to do', async (args, code, part) => {
    const house = home({ files: upstream(), up: upstream() });
    const outcome = await doctor(house, ...args);
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(outcome.stderr).toContain(part);
    expect(outcome.stderr).not.toMatch(/^ +at /m);
  });

  it('is told in JSON, too', async () => {
    const { code, stdout } = await doctor(home({ files: upstream() }), 'flies', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      error: {
        code: 'MCP_SERVER_UNKNOWN',
        message: 'no MCP server has the id "flies"',
        name: 'flies',
        fix: 'did you mean "files"?',
      },
    });
  });

  it('cannot run with a file that does not exist: exit code 2', async () => {
    const house = home({});
    rmSync(house.file);
    const { code, stdout, stderr } = await doctor(house);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('there is no file');
    expect(existsSync(join(house.folder, '.local'))).toBe(false);
  });

  it('is shown right in the help, with examples and exit codes', async () => {
    const { code, stdout } = await hangar(home({}), ['doctor', '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('$ mcp-hangar doctor --json');
    expect(stdout).toContain('130 interrupted');
  });
});
