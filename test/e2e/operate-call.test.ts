/** `mcp-hangar call` on a gateway that runs: arguments as they are typed, results as they are read, and its ends. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { command, hangar, json } from '../support/command-line.ts';
import { ROOT, type GatewayProcess } from '../support/gateway.ts';
import { Household } from '../support/household.ts';
import { until } from '../support/until.ts';
import { modernServer, upstream } from '../support/upstream.ts';

const EVERYTHING = join(ROOT, 'node_modules/@modelcontextprotocol/server-everything/dist/index.js');

let house: Household;
let gateway: GatewayProcess;

beforeAll(async () => {
  house = new Household((journal) => ({
    mcp_servers: {
      up: upstream([journal.option]),
      everything: { command: process.execPath, args: [EVERYTHING] },
      modern: modernServer(),
    },
  }));
  gateway = await house.http();
});
afterAll(async () => {
  await house[Symbol.asyncDispose]();
});

const call = (...args: readonly string[]): ReturnType<typeof hangar> =>
  hangar(house, 'call', ...args);

interface Echoed {
  readonly content: readonly { readonly text: string }[];
}

/** The arguments that the server got, as JSON text. */
async function got(...args: readonly string[]): Promise<unknown> {
  const { content } = await json<Echoed>(house, 'call', ...args, '--json');
  return (JSON.parse(content[0]?.text ?? '') as { arguments: unknown }).arguments;
}

describe('The tool', () => {
  it.each([[['everything.echo']], [['everything__echo']], [['everything', 'echo']]])(
    'is named by %j',
    async (words) => {
      expect(await call(...words, 'message=hello')).toEqual({
        code: 0,
        stdout: 'Echo: hello\n',
        stderr: '',
      });
    },
  );

  it.each([
    [['evrything.echo'], 'No MCP server has the id "evrything"', 'did you mean "everything"?'],
    [['everything.ecko'], 'MCP server "everything" has no tool "ecko"', 'did you mean "echo"?'],
    [['echo'], '"echo" names no tool of a server', 'write SERVER.TOOL'],
  ])('%j is refused, with what may be meant', async (words, message, fix) => {
    const { code, stdout, stderr } = await call(...words);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`mcp-hangar: ${message}`);
    expect(stderr).toContain(`\n  ${fix}`);
  });
});

describe('Arguments', () => {
  it('get the types of the schema', async () => {
    expect((await call('everything.get-sum', 'a=1.5', 'b=2')).stdout).toBe(
      'The sum of 1.5 and 2 is 3.5.\n',
    );
  });

  it.each([
    [['a=1'], 'everything.get-sum: the tool needs "b", which is missing', 'add b=…'],
    [['a=1', 'b=two'], 'argument "b" is "two"', 'expected number'],
    [['a=1', 'b=2', 'bb=3'], 'the tool has no argument "bb"', 'expected a, b'],
    [['--json', '{"a":1}'], 'the tool needs "b"', 'add b=…'],
  ])('%j are refused before anything is called', async (words, message, fix) => {
    const { code, stdout, stderr } = await call('everything.get-sum', ...words);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toContain(`\n  ${fix}`);
  });

  it('may come as JSON: behind --json, in a file, or from stdin', async () => {
    const text = '{"region":"eu","deep":{"list":[1,2]}}';
    const file = join(house.folder, 'arguments.json');
    writeFileSync(file, text);
    expect(await got('up.echo', '--args', text)).toEqual(JSON.parse(text));
    expect(await got('up.echo', '--args', `@${file}`)).toEqual(JSON.parse(text));
    const piped = command(house, 'call', 'up.echo', '--args', '-');
    piped.process.stdin?.end(text);
    expect((await piped.ended).stdout).toContain('"list":[1,2]');
    expect((await call('up.echo', '--json', text)).stdout).toContain(`"arguments":${text}`);
  });

  it.each([
    [['--args', '{'], 'the arguments are no JSON'],
    [['--args', '[1]'], 'the arguments are no JSON object'],
    [['--args', '@nowhere.json'], 'cannot read the arguments'],
    [['--args', '{}', 'a=1'], 'the arguments are given twice'],
    [['--timeout', 'soon'], '--timeout "soon" is no number from 0.1 to 3600'],
  ])('%j are refused', async (words, message) => {
    const { code, stderr } = await call('up.echo', ...words);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
  });

  it('and results keep every number as it is written', async () => {
    const big = '{"content":[],"big":12345678901234567890,"exact":1.0}';
    const args = JSON.stringify({ result: big });
    expect((await call('up.raw', '--args', args, '--json')).stdout).toBe(`${big}\n`);
    const { stdout } = await call('up.echo', '--json', '{"n":12345678901234567890}');
    expect(stdout).toContain('"arguments":{"n":12345678901234567000}');
    const [line = ''] = house.journal.lines('"n":').slice(-1);
    expect(line).toContain('"n":12345678901234567890');
  });

  it('may be as long as a question may be, and are refused beyond it', async () => {
    const file = join(house.folder, 'long.json');
    writeFileSync(file, JSON.stringify({ text: 'x'.repeat(1_000_000) }));
    expect((await call('up.echo', '--args', `@${file}`)).code).toBe(0);
    writeFileSync(file, JSON.stringify({ text: 'x'.repeat(1_100_000) }));
    const { code, stderr } = await call('up.echo', '--args', `@${file}`);
    expect(code).toBe(1);
    expect(stderr).toContain('the arguments have more than');
  });
});

describe('The result', () => {
  it('is read as text, with what is no text in a word', async () => {
    const { stdout } = await call('everything.get-tiny-image');
    expect(stdout).toMatch(/\n\[image\/png, \d+ kB\]\n/);
    const result = '{"structuredContent":{"a":1},"content":[]}';
    expect((await call('up.raw', '--args', JSON.stringify({ result }))).stdout).toBe(
      '{\n  "a": 1\n}\n',
    );
  });

  it('is as the server wrote it with --json', async () => {
    expect(await json(house, 'call', 'everything.echo', 'message=hi', '--json')).toEqual({
      content: [{ type: 'text', text: 'Echo: hi' }],
    });
  });

  it('that is an error makes the exit code 1', async () => {
    expect(await call('up.fail')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'mcp-hangar: up.fail answered with an error\nit failed\n',
    });
    const raw = await call('up.fail', '--json');
    expect(raw.code).toBe(1);
    expect(JSON.parse(raw.stdout)).toMatchObject({ isError: true });
  });

  it('that never comes is said to be missing', async () => {
    const { code, stderr } = await call('up.hang', '--timeout', '0.2');
    expect(code).toBe(2);
    expect(stderr).toContain('no answer in 0.2 s');
    const ended = await call('up.crash', '--json');
    expect(ended.code).toBe(2);
    expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code: 'UPSTREAM_ENDED' } });
  });

  it('is not that of a server that wanted to ask something: nobody can be asked', async () => {
    const args = '{"method":"elicitation/create","params":{},"strict":true}';
    const { code, stderr } = await call('up.ask', '--json', args);
    expect(code).toBe(2);
    expect(stderr).toContain('wanted to ask something (elicitation)');
    expect(stderr).toContain('\n  make the call from an AI client that can be asked\n');
  });
});

describe('A call that somebody ends', () => {
  it('is cancelled on its server, and the exit code is 130', async () => {
    const calling = command(house, 'call', 'up.sleep', 'ms=60000');
    await until('the server has it', () => house.journal.lines('"sleep"').length > 0);
    calling.process.kill('SIGINT');
    expect(await calling.ended).toMatchObject({ code: 130, stdout: '' });
    await until(
      'the server is told',
      () => house.journal.lines('notifications/cancelled').length > 0,
    );
  });
});

it('no defect was met in all of this', () => {
  expect(gateway.stderr()).not.toContain('defect');
});
