/** Results of hangar_call that are cut, and their wholes: page by page, for whoever made the call and nobody else. */
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LegacyClient, modernCall, structuredOf } from '../support/clients.ts';
import { fileOf, startGatewayIn, type Config, type GatewayProcess } from '../support/gateway.ts';
import { StdioClient } from '../support/stdio.ts';
import { until } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';

type Json = Record<string, unknown>;

const configOf = (truncation: Json, more: Json = {}): Config => ({
  tool_access: { gateway_tools: 'hangar' },
  mcp_servers: { math: upstream() },
  truncation,
  ...more,
});
const call = (tool: string, args: Json): Json => ({ mcp_server: 'math', tool, arguments: args });
const gen = (bytes: number): Json => call('gen', { bytes });
const raw = (result: unknown): Json => call('raw', { result: JSON.stringify(result) });
const textResult = (text: string): Json => ({ content: [{ type: 'text', text }] });

interface Place extends AsyncDisposable {
  readonly gateway: GatewayProcess;
  readonly state: string;
  restart(): Promise<void>;
}

/** A gateway with a state folder that can be looked into. */
async function placeWith(config: Config): Promise<Place & { gateway: GatewayProcess }> {
  const { folder, file } = await fileOf(config);
  const state = join(folder, 'state');
  const flags = ['--state-dir', state];
  const start = (): Promise<GatewayProcess> =>
    startGatewayIn(folder, file, { flags, staysBehind: true });
  const place = {
    gateway: await start(),
    state,
    async restart() {
      place.gateway = await start();
    },
    async [Symbol.asyncDispose]() {
      await place.gateway[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
  return place;
}

const filesIn = (state: string): Promise<readonly string[]> =>
  readdir(join(state, 'continuations')).catch(() => []);
const resultsOf = (batch: Json): readonly Json[] => batch['results'] as readonly Json[];
const idOf = (entry: Json | undefined): string => String(entry?.['continuation_id']);

interface Caller {
  run(calls: readonly Json[]): Promise<readonly Json[]>;
  fetch(id: string, more?: Json): Promise<Json>;
  forget(id: string): Promise<Json>;
}

const callerOver = (ask: (tool: string, args: Json) => Promise<Json>): Caller => ({
  run: async (calls) => resultsOf(await ask('hangar_call', { calls })),
  fetch: (id, more) => ask('hangar_fetch_continuation', { continuation_id: id, ...more }),
  forget: (id) => ask('hangar_delete_continuation', { continuation_id: id }),
});
const legacyCallerOf = (client: LegacyClient): Caller =>
  callerOver(async (tool, args) => structuredOf(await client.call(tool, args).answer()));
const legacyCaller = async (gateway: GatewayProcess): Promise<Caller> =>
  legacyCallerOf(await LegacyClient.open(gateway.url()));
const modernCaller = (gateway: GatewayProcess): Caller =>
  callerOver(async (tool, args) =>
    structuredOf(await modernCall(gateway.url(), tool, args).answer()),
  );

/** All pages of a continuation, counted on by `next_offset`, and how many there were. */
async function allOf(
  caller: Caller,
  id: string,
  limit: number,
): Promise<{ text: string; pages: number }> {
  let [text, offset, pages] = ['', 0, 0];
  for (;;) {
    const page = await caller.fetch(id, { offset, limit });
    expect(page['found']).toBe(true);
    text += String(page['data']);
    pages += 1;
    expect(page['complete']).toBe(page['has_more'] !== true);
    if (page['has_more'] !== true) return { text, pages };
    offset = Number(page['next_offset']);
  }
}

describe('Results that are together over truncation.max_batch_size_bytes', () => {
  let place: Place;
  let caller: Caller;
  beforeAll(async () => {
    place = await placeWith(
      configOf({ enabled: true, max_batch_size_bytes: 20_000, min_per_response_bytes: 2_000 }),
    );
    caller = await legacyCaller(place.gateway);
  });
  afterAll(async () => place?.[Symbol.asyncDispose]());

  it('are cut by their share, and the whole of each is there to be read', async () => {
    const list = {
      content: [],
      structuredContent: { rows: Array.from({ length: 3_000 }, (_, row) => ({ row })) },
    };
    const results = await caller.run([gen(50_000), gen(100), raw(list)]);
    const [long, short, rows] = results;
    expect(JSON.stringify(results.map(({ result }) => result)).length).toBeLessThanOrEqual(20_010);
    expect(short).not.toHaveProperty('truncated');
    expect(long).toMatchObject({
      success: true,
      truncated: true,
      truncated_reason: 'batch_size_exceeded',
      original_size_bytes: 50_039,
      continuation_id: expect.stringMatching(/^cont_[0-9a-f-]{36}_0_[0-9a-f]{8}$/) as string,
    });
    expect(long?.['result']).toMatchObject({
      content: [
        { type: 'text', text: expect.stringMatching(/^g+\.\.\. \[truncated\]$/) as string },
      ],
    });
    const shown = (rows?.['result'] ?? list) as typeof list;
    const kept = shown.structuredContent.rows;
    expect(kept[0]).toEqual({ row: 0 });
    expect(kept.at(-1)).toBe(`[${3_000 - kept.length + 1} more items truncated]`);
    expect(await caller.fetch(idOf(rows))).toMatchObject({
      found: true,
      data: JSON.stringify(list),
      total_size_bytes: JSON.stringify(list).length,
      offset: 0,
      has_more: false,
      complete: true,
    });
  });

  it('are not cut below truncation.min_per_response_bytes, and short ones not at all', async () => {
    const results = await caller.run([...Array.from({ length: 20 }, () => gen(5_000)), gen(1_500)]);
    const sizes = results.map(({ result }) => JSON.stringify(result).length);
    expect(new Set(sizes.slice(0, 20))).toEqual(new Set([2_000]));
    expect(sizes[20]).toBe(1_539);
  });

  it('are read in pages that split no character, as the server wrote them', async () => {
    const result = `{"content":[{"type":"text","text":"${'aé€😀'.repeat(9_000)}"}],"n":12345678901234567890}`;
    const [entry] = await caller.run([call('raw', { result })]);
    const { text, pages } = await allOf(caller, idOf(entry), 10_001);
    expect(text).toBe(result);
    expect(pages).toBe(Math.ceil(Buffer.byteLength(result) / 10_001));
  });

  it('are nobody else’s: another client is told what it would be told of nothing', async () => {
    const [entry] = await caller.run([gen(50_000)]);
    const nothing = { found: false, error: 'Continuation not found (may have expired)' };
    const others = [await legacyCaller(place.gateway), modernCaller(place.gateway)];
    for (const other of others) {
      expect(await other.fetch(idOf(entry))).toEqual(nothing);
      expect(await other.fetch('cont_0_0_0')).toEqual(nothing);
      expect(await other.forget(idOf(entry))).toMatchObject({ deleted: false });
    }
    expect(await caller.fetch(idOf(entry), { limit: 10 })).toMatchObject({ found: true });
    expect(await caller.forget(idOf(entry))).toEqual({
      deleted: true,
      continuation_id: idOf(entry),
    });
    expect(await caller.fetch(idOf(entry))).toEqual(nothing);
    expect(await caller.forget(idOf(entry))).toMatchObject({ deleted: false });
  });

  it('are cut for modern clients too', async () => {
    const modern = modernCaller(place.gateway);
    const [entry] = await modern.run([gen(50_000)]);
    expect((await allOf(modern, idOf(entry), 500_000)).text).toContain('g'.repeat(50_000));
  });

  it('are told wrongly asked pages, and a limit out of range is moved', async () => {
    const [entry] = await caller.run([gen(50_000)]);
    expect(await caller.fetch(idOf(entry), { offset: -1 })).toMatchObject({
      error_type: 'INPUT_INVALID',
    });
    expect(await caller.fetch(idOf(entry), { limit: 1e9 })).toMatchObject({ complete: true });
    expect(await caller.fetch(idOf(entry), { offset: 1e9 })).toMatchObject({
      data: '',
      complete: true,
    });
  });
});

describe('Options', () => {
  it('preserve_json_structure: false gives the beginning of the JSON, truncate_on_line_boundary whole lines', async () => {
    const truncation = { enabled: true, max_batch_size_bytes: 3_000, min_per_response_bytes: 256 };
    const lines = 'a line of text\n'.repeat(1_000);
    const shown = async (more: Json): Promise<Json | undefined> => {
      await using place = await placeWith(configOf({ ...truncation, ...more }));
      const [entry] = await (await legacyCaller(place.gateway)).run([raw(textResult(lines))]);
      return entry;
    };
    const plain = await shown({ preserve_json_structure: false });
    expect(plain?.['result']).toMatch(/^\{"content":\[\{"type":"text","text":"a line/);
    expect(plain?.['result']).toMatch(/\.\.\. \[truncated\]$/);
    const whole = JSON.stringify((await shown({}))?.['result']);
    expect(whole).toContain('a line of text\\n... [truncated]"');
    const cut = JSON.stringify((await shown({ truncate_on_line_boundary: false }))?.['result']);
    expect(cut).not.toContain('a line of text\\n... [truncated]"');
    expect(cut.length).toBeLessThanOrEqual(3_000);
  });

  it('max_cache_entries and max_cache_bytes make room by forgetting the oldest', async () => {
    const truncation = { enabled: true, max_batch_size_bytes: 3_000, min_per_response_bytes: 256 };
    await using few = await placeWith(configOf({ ...truncation, max_cache_entries: 2 }));
    const caller = await legacyCaller(few.gateway);
    const results = await caller.run([gen(10_000), gen(10_000), gen(10_000)]);
    const found = await Promise.all(
      results.map(async (one) => (await caller.fetch(idOf(one)))['found']),
    );
    expect(found).toEqual([false, true, true]);
    await using small = await placeWith(configOf({ ...truncation, max_cache_bytes: 1_048_576 }));
    const other = await legacyCaller(small.gateway);
    const large = await other.run([gen(700_000), gen(700_000), gen(2_000_000)]);
    expect(large.map(({ continuation_id: id }) => typeof id)).toEqual([
      'string',
      'string',
      'object',
    ]);
    expect(await other.fetch(idOf(large[0]))).toMatchObject({ found: false });
    expect(await other.fetch(idOf(large[1]))).toMatchObject({ found: true });
  });

  it('cache_ttl_s ends a continuation, its file too', async () => {
    const truncation = { enabled: true, max_batch_size_bytes: 3_000, cache_ttl_s: 3 };
    await using place = await placeWith(configOf(truncation));
    const caller = await legacyCaller(place.gateway);
    const [entry] = await caller.run([gen(200_000)]);
    expect(await filesIn(place.state)).toHaveLength(1);
    await until(
      'it is forgotten',
      async () => (await caller.fetch(idOf(entry)))['found'] === false,
    );
    await until('its file is gone', async () => (await filesIn(place.state)).length === 0);
  });

  it('cache_driver: redis stops the start and says why', async () => {
    const { folder, file } = await fileOf(
      configOf({ cache_driver: 'redis', redis_url: 'redis://x' }),
    );
    await expect(startGatewayIn(folder, file)).rejects.toThrow(
      /truncation\.cache_driver: this build cannot keep results in Redis/,
    );
  });
});

describe('A result that no answer has room for', () => {
  it('is cut also without truncation, never left out, and long ones lie in files of this user', async () => {
    await using place = await placeWith(configOf({}));
    const caller = await legacyCaller(place.gateway);
    const results = await caller.run([gen(12_000_000), gen(100), gen(6_000_000), gen(6_000_000)]);
    const cut = results.filter(({ truncated }) => truncated === true);
    expect(cut.length).toBeGreaterThanOrEqual(2);
    for (const entry of cut) {
      expect(entry).toMatchObject({ success: true, truncated_reason: 'response_size_exceeded' });
      expect(entry['result']).not.toBeNull();
    }
    const [largest] = results;
    const { text, pages } = await allOf(caller, idOf(largest), 2_000_000);
    expect(text).toBe(JSON.stringify(textResult('g'.repeat(12_000_000))));
    expect(pages).toBe(7);
    const files = await filesIn(place.state);
    expect(files).toHaveLength(cut.length);
    for (const name of files) {
      const { mode } = await stat(join(place.state, 'continuations', name));
      expect(mode & 0o777).toBe(0o600);
    }
    expect((await stat(join(place.state, 'continuations'))).mode & 0o777).toBe(0o700);
    expect(place.gateway.stderr()).not.toContain(idOf(largest).slice(-8));
  });
});

describe('A result that no report has room for', () => {
  it('is cut by registry_invoke_ex and _stream, and read like one of a batch', async () => {
    const config = configOf({}, { tool_access: { gateway_tools: 'both' } });
    await using place = await placeWith(config);
    const client = await LegacyClient.open(place.gateway.url());
    const whole = JSON.stringify(textResult('g'.repeat(12_000_000)));
    for (const tool of ['registry_invoke_ex', 'registry_invoke_stream']) {
      const args = { provider: 'math', tool: 'gen', arguments: { bytes: 12_000_000 } };
      const { result } = await client.call(tool, args).answer();
      expect(result).toMatchObject({
        truncated: true,
        truncated_reason: 'response_size_exceeded',
        original_size_bytes: whole.length,
        _retry_metadata: { attempts: 1 },
      });
      expect(result).not.toHaveProperty('isError');
      const shown = JSON.stringify(result?.['content']);
      expect(shown).toContain('gggg');
      expect(shown.length).toBeLessThan(20_000);
      const caller = legacyCallerOf(client);
      expect((await allOf(caller, idOf(result), 2_000_000)).text).toBe(whole);
      const other = await legacyCaller(place.gateway);
      expect(await other.fetch(idOf(result))).toMatchObject({ found: false });
    }
    // Where there is room, nothing is cut.
    const args = { provider: 'math', tool: 'gen', arguments: { bytes: 9_000_000 } };
    const { result } = await client.call('registry_invoke_ex', args).answer();
    expect(result).not.toHaveProperty('truncated');
    expect(result?.['content']).toEqual(textResult('g'.repeat(9_000_000))['content']);
  });
});

describe('What is left on the disk', () => {
  const truncation = { enabled: true, max_batch_size_bytes: 3_000 };

  it('goes when the gateway stops, and at the next start where it was killed', async () => {
    await using place = await placeWith(configOf(truncation));
    const first = await legacyCaller(place.gateway);
    await first.run([gen(200_000)]);
    expect(await filesIn(place.state)).toHaveLength(1);
    await place.gateway.stop();
    expect(await filesIn(place.state)).toEqual([]);
    await place.restart();
    const second = await legacyCaller(place.gateway);
    const [entry] = await second.run([gen(200_000)]);
    place.gateway.kill();
    await place.gateway.exited;
    expect(await filesIn(place.state)).toHaveLength(1);
    await place.restart();
    await until('the leftover is gone', async () => (await filesIn(place.state)).length === 0);
    const third = await legacyCaller(place.gateway);
    expect(await third.fetch(idOf(entry))).toMatchObject({ found: false });
  });

  it('lies in a private folder of its own where there is no state folder', async () => {
    const { folder, file } = await fileOf(configOf(truncation));
    const temporary = join(folder, 'tmp');
    await mkdir(join(temporary, 'mcp-hangar-results-999999999-gone'), { recursive: true });
    await writeFile(join(folder, 'in-the-way'), '');
    await using gateway = await startGatewayIn(folder, file, {
      staysBehind: true,
      env: { TMPDIR: temporary, XDG_STATE_HOME: join(folder, 'in-the-way') },
    }).catch(async (error: unknown) => {
      await rm(folder, { recursive: true, force: true });
      throw error;
    });
    const caller = await legacyCaller(gateway);
    const [entry] = await caller.run([gen(200_000)]);
    const ours = async (): Promise<readonly string[]> =>
      (await readdir(temporary)).filter((name) => name.startsWith('mcp-hangar-results-'));
    const [own, ...more] = await ours();
    expect(more).toEqual([]);
    expect(own).toContain(`mcp-hangar-results-${gateway.pid}-`);
    const [name] = await readdir(join(temporary, own ?? ''));
    expect((await stat(join(temporary, own ?? ''))).mode & 0o777).toBe(0o700);
    expect(await readFile(join(temporary, own ?? '', name ?? ''), 'utf8')).toContain('ggg');
    expect((await allOf(caller, idOf(entry), 50_000)).text).toContain('g'.repeat(200_000));
    await gateway.stop();
    expect(await ours()).toEqual([]);
    await rm(folder, { recursive: true, force: true });
  });
});

describe('Over stdio', () => {
  it('a continuation is read by the client of the pipe', async () => {
    const config = configOf({ enabled: true, max_batch_size_bytes: 3_000 });
    await using client = await StdioClient.open(config);
    const caller = callerOver(async (tool, args) => structuredOf(await client.call(tool, args)));
    const [entry] = await caller.run([gen(200_000)]);
    expect((await allOf(caller, idOf(entry), 60_000)).text).toContain('g'.repeat(200_000));
  });
});
