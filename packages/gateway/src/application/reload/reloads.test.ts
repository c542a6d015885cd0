import { Fault } from '@mcp-hangar/kernel/errors';
import { describe, expect, it } from 'vitest';
import { SILENT, specOf } from '../../../test-kit/scripted-launcher.ts';
import { NO_LIMITS } from '../../domain/execution/settings.ts';
import { compareGenerations, type Generation } from '../../domain/mcp-server/generations.ts';
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';
import type { ConfigurationSource, DomainEvent, NextConfiguration } from '../ports.ts';
import { Reloads } from './reloads.ts';

type Content = readonly McpServerSpec[] | Fault | { readonly restart: readonly string[] };

/** A file whose reading the test lets go on. */
class Scripted implements ConfigurationSource {
  readonly path = '/config.yaml';
  content: Content = [];
  served: Content = [];
  readonly asked: boolean[] = [];
  readonly #waiting: (() => void)[] = [];

  async next(isAsked: boolean): Promise<NextConfiguration | undefined> {
    this.asked.push(isAsked);
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const { content } = this;
    if (content === this.served) return undefined;
    if (content instanceof Fault) throw content;
    const adopt = (): void => {
      this.served = content;
    };
    const execution = NO_LIMITS;
    if ('restart' in content)
      return { servers: [], groups: [], execution, needRestart: content.restart, adopt };
    return { servers: content, groups: [], execution, needRestart: [], adopt };
  }

  /** Lets what is being read now be read to its end. */
  async goOn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#waiting.shift()?.();
  }
}

function world(): {
  readonly reloads: Reloads;
  readonly source: Scripted;
  readonly events: DomainEvent[];
  readonly applied: (readonly string[])[];
} {
  const source = new Scripted();
  const events: DomainEvent[] = [];
  const applied: (readonly string[])[] = [];
  const none: Generation = { servers: [], groups: [] };
  const compare = (next: Generation = none): ReturnType<typeof compareGenerations> =>
    compareGenerations(none, next);
  const generations = {
    configure: () => undefined,
    compare,
    apply: (next: Generation) => {
      applied.push(next.servers.map(({ id }) => id));
      return compare(next);
    },
  };
  const reloads = new Reloads({
    source,
    generations,
    clock: { nowMs: () => 0 },
    logger: SILENT,
    events: { record: (_stream, event) => void events.push(event) },
    drainMs: 1,
  });
  return { reloads, source, events, applied };
}

const types = (events: readonly DomainEvent[]): readonly string[] => events.map(({ type }) => type);
const invalid = new Fault('CONFIG_INVALID', '/config.yaml:1:1: wrong');

describe('Reloads', () => {
  it('come one after the other, and who asks while one is under way gets the next', async () => {
    const { reloads, source, applied } = world();
    source.content = [specOf({ id: 'a' })];
    const first = reloads.request({ by: 'one' });
    await source.goOn();
    await first;
    source.content = [specOf({ id: 'b' })];
    const second = reloads.request({ by: 'two' });
    await new Promise((resolve) => setImmediate(resolve)); // it is being read
    const [third, fourth] = [reloads.request({ by: 'three' }), reloads.request({ by: 'four' })];
    expect(third).toBe(fourth);
    await source.goOn();
    await second;
    source.content = [specOf({ id: 'c' })];
    await source.goOn();
    expect((await third).diff.added).toEqual(['c']);
    expect(applied).toEqual([['a'], ['b'], ['c']]);
  });

  it('are recorded with what they did and for whom', async () => {
    const { reloads, source, events } = world();
    source.content = [specOf({ id: 'a' })];
    const done = reloads.request({ by: 'operator' });
    await source.goOn();
    await done;
    expect(types(events)).toEqual(['ConfigurationReloadRequested', 'ConfigurationReloaded']);
    expect(events[1]?.data).toMatchObject({
      config_path: '/config.yaml',
      mcp_servers_added: ['a'],
      requested_by: 'operator',
    });
  });

  it('of a content that is served change and record nothing', async () => {
    const { reloads, source, events, applied } = world();
    source.content = source.served;
    const done = reloads.request({ by: 'file', isUnasked: true });
    await source.goOn();
    expect(await done).toMatchObject({ isIdentical: true });
    expect([events, applied]).toEqual([[], []]);
  });

  it('of a wrong content apply nothing, say why, and the next one goes on', async () => {
    const { reloads, source, events, applied } = world();
    source.content = invalid;
    const failed = reloads.request({ by: 'file' });
    await source.goOn();
    await expect(failed).rejects.toBe(invalid);
    expect(types(events)).toEqual(['ConfigurationReloadRequested', 'ConfigurationReloadFailed']);
    expect(events[1]?.data).toMatchObject({ error_type: 'CONFIG_INVALID' });
    source.content = [specOf({ id: 'a' })];
    const done = reloads.request({ by: 'file' });
    await source.goOn();
    await done;
    expect(applied).toEqual([['a']]);
  });

  it('that need a restart name the keys and apply nothing', async () => {
    const { reloads, source, applied } = world();
    source.content = { restart: ['http.port', 'limits.in_flight_max'] };
    const refused = reloads.request({ by: 'operator' });
    await source.goOn();
    await expect(refused).rejects.toThrow(
      /start of a gateway only: http\.port, limits\.in_flight_max/,
    );
    expect(applied).toEqual([]);
  });

  it('that only look record nothing, whatever they find', async () => {
    const { reloads, source, events, applied } = world();
    source.content = [specOf({ id: 'a' })];
    const looked = reloads.request({ by: 'operator', isDryRun: true });
    await source.goOn();
    expect((await looked).diff.added).toEqual(['a']);
    source.content = invalid;
    const wrong = reloads.request({ by: 'operator', isDryRun: true });
    await source.goOn();
    await expect(wrong).rejects.toBe(invalid);
    expect([events, applied]).toEqual([[], []]);
  });

  it('that somebody asks for are no silent ones, though a watch came first', async () => {
    const { reloads, source } = world();
    source.content = [specOf({ id: 'a' })];
    const under = reloads.request({ by: 'file', isUnasked: true });
    await new Promise((resolve) => setImmediate(resolve));
    const watched = reloads.request({ by: 'file', isUnasked: true });
    const asked = reloads.request({ by: 'operator' });
    expect(asked).toBe(watched);
    await source.goOn();
    await under;
    await source.goOn();
    await asked;
    expect(source.asked).toEqual([false, true]);
  });

  it('end with the gateway', async () => {
    const { reloads, source, applied } = world();
    source.content = [specOf({ id: 'a' })];
    const late = reloads.request({ by: 'file' });
    reloads.close();
    await source.goOn();
    await expect(late).rejects.toMatchObject({ code: 'GATEWAY_STOPPING' });
    expect(applied).toEqual([]);
  });
});
