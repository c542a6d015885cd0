/** Further attempts of hangar_call and registry_invoke_ex, and what the event log has of batches. */
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LegacyClient, modern, modernCall, structuredOf } from '../support/clients.ts';
import {
  COMMAND,
  environment,
  fileOf,
  startGatewayIn,
  type GatewayProcess,
} from '../support/gateway.ts';
import type { Message } from '../support/http.ts';
import { until } from '../support/until.ts';
import { Journal, upstream } from '../support/upstream.ts';

type Json = Record<string, unknown>;
const run = promisify(execFile);

let gateway: GatewayProcess;
let journal: Journal;
let client: LegacyClient;
let place: { readonly folder: string; readonly file: string };
const policy = { max_attempts: 3, initial_delay: 0.05, jitter: false };

beforeAll(async () => {
  journal = await Journal.open();
  place = await fileOf({
    tool_access: { gateway_tools: 'both' },
    retry: { per_mcp_server: { again: policy, quick: policy } },
    mcp_servers: {
      again: upstream([journal.option, '--repeatable=crash,fail']),
      quick: upstream([journal.option]),
      plain: upstream([journal.option, '--repeatable=crash']),
    },
  });
  gateway = await startGatewayIn(place.folder, place.file, { staysBehind: true });
  client = await LegacyClient.open(gateway.url());
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await journal?.[Symbol.asyncDispose]();
  await rm(place.folder, { recursive: true, force: true, maxRetries: 3 });
});

let flags = 0;
/** A call that ends its server once. */
const crash = (): Json => ({ flag: join(journal.folder, `crashed-${(flags += 1)}`) });
const batch = async (calls: readonly Json[], more: Json = {}): Promise<readonly Json[]> => {
  const answer = await client.call('hangar_call', { calls, ...more }).answer();
  return structuredOf(answer)['results'] as readonly Json[];
};
const metadataOf = ({ result }: Message): Json => result?.['_retry_metadata'] as Json;
const sentWith = (id: unknown): number => journal.lines(`"correlation_id":"${String(id)}"`).length;

describe('hangar_call', () => {
  it('tries a call again that its tool allows to be repeated, under the same id, and says so', async () => {
    const [entry] = await batch([{ mcp_server: 'again', tool: 'crash', arguments: crash() }], {
      max_attempts: 3,
    });
    expect(entry).toMatchObject({
      success: true,
      retry_metadata: { attempts: 2, retries: ['ToolInvocationError'] },
    });
    expect(sentWith(entry?.['call_id'])).toBe(2);
  });

  it('does as the configuration says where the client does not say how often, and as the client where it allows less', async () => {
    const calls = (): readonly Json[] => [
      { mcp_server: 'again', tool: 'crash', arguments: crash() },
    ];
    expect((await batch(calls()))[0]).toMatchObject({
      success: true,
      retry_metadata: { attempts: 2 },
    });
    const [once] = await batch(calls(), { max_attempts: 1 });
    expect(once).toMatchObject({ success: false, error_code: 'UPSTREAM_ENDED' });
    expect(once).not.toHaveProperty('retry_metadata');
  });

  it('never repeats what may have been done, nor what was refused', async () => {
    const calls = [
      { mcp_server: 'quick', tool: 'crash', arguments: crash() },
      { mcp_server: 'again', tool: 'fail', arguments: {} },
      { mcp_server: 'again', tool: 'nothing', arguments: {} },
    ];
    const entries = await batch(calls, { max_attempts: 5 });
    expect(entries.map(({ success }) => success)).toEqual([false, false, false]);
    for (const entry of entries) expect(entry).not.toHaveProperty('retry_metadata');
    expect(entries.map(({ call_id: id }) => sentWith(id))).toEqual([1, 1, 0]);
  });
});

describe('registry_invoke_ex', () => {
  it('tells its attempts, one stage for each, and has one correlation id for all of them', async () => {
    const args = { provider: 'again', tool: 'crash', arguments: crash(), correlation_id: 'mine-1' };
    const exchange = client.call('registry_invoke_ex', args, { progressToken: 'p' });
    const answer = await exchange.answer();
    expect(metadataOf(answer)).toMatchObject({
      correlation_id: 'mine-1',
      attempts: 2,
      retries: ['UPSTREAM_ENDED'],
    });
    expect(metadataOf(answer)).not.toHaveProperty('final_error_reason');
    expect(sentWith('mine-1')).toBe(2);
    const progress = (answer.result?.['_progress'] ?? []) as readonly Json[];
    const stages = progress.map(({ stage }) => stage);
    expect(stages.slice(-4)).toEqual(['executing', 'retrying', 'processing', 'complete']);
    const told = exchange.messages().filter(({ method }) => method === 'notifications/progress');
    const steps = told.map(({ params }) => Number(params?.['progress']));
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
    expect(told.map(({ params }) => String(params?.['message']))).toContainEqual(
      expect.stringMatching(/^\[retrying\] Attempt 2 in \d+ ms, after UPSTREAM_ENDED$/),
    );
  });

  it('makes one attempt with retry_on_error: false or max_retries: 1, and as many as max_retries says', async () => {
    const call = async (tool: string, more: Json): Promise<Json> => {
      // After so many crashes it would have to wait.
      await client.call('registry_start', { provider: 'again' }).answer();
      const args = { provider: 'again', tool: 'crash', arguments: crash(), ...more };
      return metadataOf(await client.call(tool, args).answer());
    };
    const one = { attempts: 1, retries: [], final_error_reason: 'transient: the server ended' };
    expect(await call('registry_invoke_ex', { retry_on_error: false })).toMatchObject(one);
    expect(await call('registry_invoke_ex', { max_retries: 1 })).toMatchObject(one);
    expect(await call('registry_invoke_stream', { max_retries: 0 })).toMatchObject(one);
    expect(await call('registry_invoke_stream', {})).toMatchObject({ attempts: 2 });
    expect((await call('registry_invoke_ex', {}))['recovery_hints']).toBeUndefined();
  });

  it('waits as 1.9 says where no policy is configured', async () => {
    const args = { provider: 'plain', tool: 'crash', arguments: crash() };
    const metadata = metadataOf(await client.call('registry_invoke_ex', args).answer());
    expect(metadata).toMatchObject({ attempts: 2, retries: ['UPSTREAM_ENDED'] });
    expect(metadata['total_time_ms']).toBeGreaterThanOrEqual(700);
  });
});

describe('The event log', () => {
  const eventsOf = async (): Promise<readonly Json[]> => {
    const words = ['events', '--json', '--limit', '10000', '--config', place.file];
    const env = environment(place.folder);
    const { stdout } = await run(process.execPath, [COMMAND, ...words], { env });
    return stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Json);
  };

  it('has one event for a call that was tried again, which says how often and why', async () => {
    const args = { provider: 'again', tool: 'crash', arguments: crash(), correlation_id: 'mine-9' };
    await client.call('registry_invoke_ex', args).answer();
    const once = { ...args, tool: 'echo', correlation_id: 'mine-10' };
    await client.call('registry_invoke_ex', once).answer();
    const of = (events: readonly Json[], id: string): readonly Json[] =>
      events
        .filter(({ stream }) => stream === 'tool_calls:again')
        .map(({ data }) => data as Json)
        .filter(({ correlation_id: one }) => one === id);
    const events = await until('it is written', async () => {
      const all = await eventsOf();
      return of(all, 'mine-10').length > 0 && all;
    });
    expect(of(events, 'mine-9')).toMatchObject([{ attempts: 2, retries: ['UPSTREAM_ENDED'] }]);
    expect(of(events, 'mine-10')[0]).not.toHaveProperty('attempts');
  });

  it('has each batch, its calls and their ids, and nothing of what they were called with', async () => {
    const calls = [
      { mcp_server: 'quick', tool: 'echo', arguments: { secret: 'not-in-the-log' } },
      { mcp_server: 'again', tool: 'fail', arguments: {} },
      { mcp_server: 'quick', tool: 'hang', arguments: {} },
    ];
    const args = { calls, timeout: 1, max_concurrency: 2 };
    const answer = structuredOf(await client.call('hangar_call', args).answer());
    const id = String(answer['batch_id']);
    const stored = await until('it is written', async () => {
      const events = await eventsOf();
      expect(JSON.stringify(events)).not.toContain('not-in-the-log');
      const own = events.filter(({ data }) => (data as Json)['batch_id'] === id);
      return own.length === 5 && { events, own };
    });
    const of = (type: string): readonly Json[] =>
      stored.own.filter(({ event_type: one }) => one === type).map(({ data }) => data as Json);
    expect(new Set(stored.own.map(({ stream }) => stream))).toEqual(new Set(['batches']));
    expect(of('BatchInvocationRequested')).toEqual([
      {
        batch_id: id,
        call_count: 3,
        mcp_servers: ['quick', 'again'],
        max_concurrency: 2,
        timeout: 1,
        fail_fast: false,
      },
    ]);
    expect(of('BatchInvocationCompleted')).toEqual([
      {
        batch_id: id,
        total: 3,
        succeeded: 1,
        failed: 2,
        cancelled: 0,
        elapsed_ms: expect.any(Number) as number,
      },
    ]);
    const entries = answer['results'] as readonly Json[];
    for (const data of of('BatchCallCompleted')) {
      const entry = entries[Number(data['call_index'])];
      expect(data).toMatchObject({
        call_id: entry?.['call_id'],
        success: entry?.['success'],
        error_type: entry?.['error_type'],
        mcp_server_id: calls[Number(data['call_index'])]?.mcp_server,
        tool_name: calls[Number(data['call_index'])]?.tool,
      });
      const call = stored.events.find(
        ({ data: other }) => (other as Json)['correlation_id'] === data['call_id'],
      );
      expect(call?.['event_type']).toMatch(/^ToolInvocation(Completed|Failed)$/);
    }
  });
});

describe('A modern client', () => {
  it('answers what legacy servers ask during its batch with its next request', async () => {
    const ask = { method: 'sampling/createMessage', params: { messages: [], maxTokens: 1 } };
    const call = { mcp_server: 'quick', tool: 'ask', arguments: ask };
    const args = { calls: [call, { ...call, mcp_server: 'plain' }], timeout: 30 };
    const capabilities = { sampling: {} };
    const first = await modernCall(gateway.url(), 'hangar_call', args, { capabilities }).answer();
    expect(first.result?.['resultType']).toBe('input_required');
    let answer = first;
    while (answer.result?.['resultType'] === 'input_required') {
      const asked = Object.keys(answer.result['inputRequests'] as Json);
      const content = { type: 'text', text: 'sampled' };
      const inputResponses = Object.fromEntries(
        asked.map((key) => [key, { role: 'assistant', model: 'm', content }]),
      );
      const params = {
        name: 'hangar_call',
        arguments: args,
        inputResponses,
        requestState: answer.result['requestState'],
      };
      answer = await modern(gateway.url(), 'tools/call', params, { capabilities }).answer();
    }
    const batched = structuredOf(answer);
    expect(batched).toMatchObject({ success: true, succeeded: 2 });
    expect(JSON.stringify(batched).match(/sampled/g)).toHaveLength(2);
  });
});
