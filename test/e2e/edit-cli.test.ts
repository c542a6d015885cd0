/** `mcp-hangar add`, `remove`, `enable`, `disable`: what becomes of the configuration file. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { EmptyHome, hangar, type Outcome, type Home } from '../support/command-line.ts';
import { Household } from '../support/household.ts';
import { upstream } from '../support/upstream.ts';

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each[Symbol.asyncDispose]()));
});

function empty(): EmptyHome {
  const home = new EmptyHome();
  opened.push(home);
  return home;
}

/** A home with a file that has everything in it that an edit could spoil. */
const FILE = `# ours
mcp_servers:
  files: # reads
    command:   [npx, -y, 'server-files']
    env: {TOKEN: 'hunter2'}

  web:
    mode: remote
    endpoint: "https://web.example/mcp"

# not ours
http: {port: 8123}
`;
function written(text = FILE): { readonly home: EmptyHome; readonly file: string } {
  const home = empty();
  const file = join(home.folder, 'hangar.yaml');
  writeFileSync(file, text);
  return { home, file };
}

const read = (file: string): string => readFileSync(file, 'utf8');
const jsonOf = ({ stdout }: Outcome): unknown => JSON.parse(stdout);
const WITH_TOKEN = { TOKEN: 'x' };

describe('A server that is added', () => {
  it('begins a private configuration with its schema, which the gateway accepts', async () => {
    const home = empty();
    const { code, stdout, stderr } = await hangar(
      home,
      'add',
      'memory',
      '--',
      'npx',
      '-y',
      'server-memory',
    );
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `Added MCP server "memory" to ${home.config}\n`,
    });
    expect(stderr).toBe(
      'note: the file is new, and only you can read it\n' +
        'note: editors complete and check it by config.schema.json beside it\n' +
        'note: no gateway runs for it now; the next one that starts reads it\n',
    );
    expect(read(home.config)).toBe(
      '# yaml-language-server: $schema=./config.schema.json\n\nmcp_servers:\n  memory:\n    command: [npx, -y, server-memory]\n',
    );
    expect(statSync(home.config).mode & 0o777).toBe(0o600);
    expect(statSync(join(home.config, '..')).mode & 0o777).toBe(0o700);
    expect(JSON.parse(read(join(home.config, '..', 'config.schema.json')))).toMatchObject({
      title: 'MCP Hangar',
    });
    expect(await hangar(home, 'config', 'check')).toMatchObject({
      code: 0,
      stdout: `${home.config}: valid, 1 MCP server\n`,
    });
  });

  it('is written as its command line says it, remote ones too', async () => {
    const home = empty();
    const add = (...args: readonly string[]): Promise<Outcome> =>
      hangar({ folder: home.folder, env: WITH_TOKEN }, 'add', '-q', ...args);
    const all = [
      await add(
        'a',
        '-e',
        'TOKEN',
        '--env',
        'LEVEL=debug',
        '--sharing',
        'session',
        '--',
        'uvx',
        'server',
        '-e',
        'x y',
      ),
      await add(
        '-t',
        'http',
        'b',
        'https://b.example/mcp',
        '-H',
        'Authorization: Bearer ${TOKEN}',
        '--header',
        'X-A: 1',
      ),
      await add('c', 'https://c.example/mcp'),
      await add('--transport', 'sse', 'd', 'https://d.example/sse'),
    ];
    expect(all.map(({ code, stderr }) => [code, stderr])).toEqual(all.map(() => [0, '']));
    expect(read(home.config)).toBe(`# yaml-language-server: $schema=./config.schema.json

mcp_servers:
  a:
    command: [uvx, server, -e, x y]
    env:
      TOKEN: \${TOKEN}
      LEVEL: debug
    sharing: session
  b:
    mode: remote
    endpoint: https://b.example/mcp
    http:
      headers:
        Authorization: Bearer \${TOKEN}
        X-A: "1"
  c:
    mode: remote
    endpoint: https://c.example/mcp
  d:
    mode: remote
    endpoint: https://d.example/sse
    transport: sse
`);
  });

  it('leaves every other byte of the file, its mode and a link to it as they are', async () => {
    const { home, file } = written(FILE.replaceAll('\n', '\r\n'));
    chmodSync(file, 0o640);
    const link = join(home.folder, 'link.yaml');
    symlinkSync(file, link);
    expect(await hangar(home, 'add', '-c', link, 'new', '--', 'x')).toMatchObject({ code: 0 });
    const [start, end] = FILE.split('\n# not ours');
    expect(read(link)).toBe(
      `${start}\n  new:\n    command: [x]\n\n# not ours${end}`.replaceAll('\n', '\r\n'),
    );
    expect(statSync(file).mode & 0o777).toBe(0o640);
  });

  it('is JSON in a JSON file, and goes into `providers` where a file has them', async () => {
    const { home } = written();
    const json = join(home.folder, 'hangar.json');
    writeFileSync(json, '{\n\t"providers": {\n\t\t"a": {"command": "x"}\n\t}\n}\n');
    expect(await hangar(home, 'add', '-c', json, 'b', '--', 'y')).toMatchObject({ code: 0 });
    expect(read(json)).toBe(
      '{\n\t"providers": {\n\t\t"a": {"command": "x"},\n\t\t"b": {\n\t\t\t"command": [\n\t\t\t\t"y"\n\t\t\t]\n\t\t}\n\t}\n}\n',
    );
    const fresh = join(home.folder, 'new', 'hangar.json');
    expect(await hangar(home, 'add', '-c', fresh, 'b', '--', 'y')).toMatchObject({ code: 0 });
    expect(JSON.parse(read(fresh))).toEqual({ mcp_servers: { b: { command: ['y'] } } });
  });

  it('does not take the place of another, unless it is told to', async () => {
    const { home, file } = written();
    const add = ['add', '-c', file, 'files', '--', 'other'];
    expect(await hangar(home, ...add)).toEqual({
      code: 1,
      stdout: '',
      stderr: `mcp-hangar: there is an MCP server "files" already in ${file}\n  replace it with --force, or take another name\n`,
    });
    expect(read(file)).toBe(FILE);
    expect(await hangar(home, ...add.toSpliced(3, 0, '--force'))).toMatchObject({
      code: 0,
      stdout: `Replaced MCP server "files" in ${file}\n`,
    });
    expect(read(file)).toBe(
      FILE.replace(/ {4}command: {3}.*\n.*hunter2.*\n/, '    command: [other]\n'),
    );
  });

  it('runs where its files are when it is added from there', async () => {
    const home = empty();
    const project = join(home.folder, 'project');
    mkdirSync(project);
    writeFileSync(join(project, 'server.py'), '');
    const here: Home = { folder: home.folder, cwd: project };
    const { stderr } = await hangar(here, 'add', 'py', '--', 'python', 'server.py');
    expect(stderr).toContain(`it runs in ${project}, because "server.py" is there`);
    await hangar(here, 'add', 'bin', '--cwd', '..', '--', './run');
    expect(read(home.config)).toContain(
      `  py:\n    command: [python, server.py]\n    cwd: ${project}\n  bin:\n    command: [${project}/run]\n    cwd: ${home.folder}\n`,
    );
  });
});

describe('A secret', () => {
  it('that is typed is written, and the way to keep it out is told; it is never shown', async () => {
    const { home, file } = written();
    chmodSync(file, 0o644);
    const local = await hangar(home, 'add', '-c', file, 'a', '-e', 'API_KEY=swordfish', '--', 'x');
    expect(local).toMatchObject({ code: 0 });
    expect(local.stderr).toContain(
      'the value of API_KEY stands in the file; -e API_KEY takes it from the environment instead',
    );
    expect(local.stderr).toContain(`others can read ${file}; chmod 600 keeps it to yourself`);
    const remote = await hangar(
      home,
      'add',
      '-c',
      file,
      'b',
      'https://b.example',
      '-H',
      'Authorization: Bearer swordfish',
      '--json',
    );
    expect(remote.stderr).toContain(
      'the value of Authorization stands in the file; write ${NAME} in its place',
    );
    expect(read(file).match(/swordfish/g)).toHaveLength(2);
    const dry = await hangar(
      home,
      'add',
      '-c',
      file,
      'c',
      '-e',
      'API_KEY=swordfish',
      '--dry-run',
      '--',
      'x',
      '--token',
      'swordfish',
    );
    expect(dry.stdout).toContain(
      '+    command: [x, --token, [secret]]\n+    env:\n+      API_KEY: [secret]',
    );
    expect(dry.stderr).toContain('a word of the command or URL looks like a secret');
    for (const { stdout, stderr } of [local, remote, dry])
      expect(stdout + stderr).not.toMatch(/swordfish|hunter2/);
  });

  it('that is a variable which is not set here is told, and no reason to refuse', async () => {
    const home = empty();
    const { code, stderr } = await hangar(home, 'add', 'a', '-e', 'NO_SUCH_TOKEN', '--', 'x');
    expect(code).toBe(0);
    expect(stderr).toContain(
      'note: NO_SUCH_TOKEN is not set here; a gateway that starts without it refuses the file\n',
    );
    expect((await hangar(home, 'add', 'b', '--', 'x')).stderr).not.toContain('NO_SUCH_TOKEN');
  });
});

describe('--dry-run', () => {
  it('prints a diff and writes nothing', async () => {
    const { home, file } = written();
    const { code, stdout, stderr } = await hangar(home, 'remove', '-c', file, 'files', '--dry-run');
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: 'note: nothing was written (--dry-run)\n',
    });
    expect(stdout).toBe(`--- ${file}
+++ ${file}
@@ -1,9 +1,5 @@
 # ours
 mcp_servers:
-  files: # reads
-    command:   [npx, -y, 'server-files']
-    env: {TOKEN: '[secret]'}
-
   web:
     mode: remote
     endpoint: "https://web.example/mcp"
`);
    expect(read(file)).toBe(FILE);
    const fresh = empty();
    expect(await hangar(fresh, 'add', 'a', '--dry-run', '--', 'x')).toMatchObject({ code: 0 });
    expect(existsSync(fresh.config)).toBe(false);
  });
});

describe('--json', () => {
  it('prints one object; members are added, never renamed or removed', async () => {
    const { home, file } = written();
    const outcome = await hangar(home, 'disable', '-c', file, 'files', 'web', 'files', '--json');
    expect(outcome.code).toBe(0);
    expect(jsonOf(outcome)).toEqual({
      file,
      created: false,
      dry_run: false,
      changed: true,
      servers: [
        { id: 'files', action: 'disabled' },
        { id: 'web', action: 'disabled' },
      ],
      diff: expect.stringContaining('+    enabled: false'),
      notes: [],
      gateway: null,
    });
    const again = await hangar(home, 'disable', '-c', file, 'files', '--json');
    expect(jsonOf(again)).toMatchObject({
      changed: false,
      servers: [{ id: 'files', action: 'unchanged' }],
      diff: '',
    });
    const refused = await hangar(home, 'remove', '-c', file, 'flies', '--json');
    expect(jsonOf(refused)).toEqual({
      error: {
        code: 'MCP_SERVER_UNKNOWN',
        message: `no MCP server "flies" in ${file}`,
        fix: 'did you mean "files"?',
      },
    });
  });
});

describe('Servers that are switched off, on and removed', () => {
  it('are so in the file, and the gateway obeys', async () => {
    const { home, file } = written();
    expect(await hangar(home, 'disable', '-c', file, 'files')).toMatchObject({
      stdout: `Disabled MCP server "files" in ${file}\n`,
    });
    expect(read(file)).toBe(FILE.replace('# reads\n', '# reads\n    enabled: false\n'));
    expect(await hangar(home, 'disable', '-c', file, 'files')).toMatchObject({
      code: 0,
      stdout: `MCP server "files" is disabled already in ${file}\n`,
      stderr: '',
    });
    expect(await hangar(home, 'enable', '-c', file, 'files', 'web')).toMatchObject({
      stdout: `Enabled MCP server "files" in ${file}\nMCP server "web" is enabled already in ${file}\n`,
    });
    expect(await hangar(home, 'rm', '-c', file, 'files', 'web')).toMatchObject({
      stdout: `Removed MCP servers "files", "web" from ${file}\n`,
    });
    expect(read(file)).toBe('# ours\nmcp_servers: {}\n\n# not ours\nhttp: {port: 8123}\n');
    expect(await hangar(home, 'config', 'check', file)).toMatchObject({ code: 0 });
  });

  it('are all there after many commands at the same time', async () => {
    const { home, file } = written();
    const names = Array.from({ length: 10 }, (_, index) => `s${index}`);
    const all = await Promise.all(
      names.map((name) => hangar(home, 'add', '-c', file, name, '--', 'x')),
    );
    expect(all.filter(({ code }) => code !== 0)).toEqual([]);
    expect(read(file).match(/command: \[x\]/g)).toHaveLength(names.length);
  });
});

describe('A gateway that runs', () => {
  it('is named: it takes the file over by itself', async () => {
    const house = new Household((journal) => ({ mcp_servers: { up: upstream([journal.option]) } }));
    opened.push(house);
    const gateway = await house.http();
    const { stderr } = await hangar(house, 'add', '-c', house.file, 'new', '--', 'x');
    expect(stderr).toBe(
      `note: the gateway that runs (process ${gateway.pid}) takes it over by itself within seconds; "mcp-hangar reload" does so at once, and says what changes\n`,
    );
    const json = await hangar(house, 'remove', '-c', house.file, 'new', '--json');
    expect(jsonOf(json)).toMatchObject({ gateway: { pid: gateway.pid } });
  });
});
