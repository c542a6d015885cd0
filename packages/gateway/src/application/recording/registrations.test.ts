import { expect, test } from 'vitest';
import { Secret } from '@mcp-hangar/kernel/secret';
import { specOf } from '../../../test-kit/scripted-launcher.ts';
import { McpServerEvent } from '../../domain/mcp-server/events.ts';
import { compareGenerations } from '../../domain/mcp-server/generations.ts';
import { lifecycleOf } from '../../domain/mcp-server/lifecycle.ts';
import type { Lifecycle } from '../../domain/mcp-server/lifecycle-state.ts';
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';
import { registeredAtBoot, registeredByReload } from './registrations.ts';

const { initial, evolve } = lifecycleOf('', 3);

/** What the log comes to. */
class Log {
  readonly past = new Map<string, Lifecycle>();

  /** A start with this configuration; answers what it records. */
  boot(...specs: readonly McpServerSpec[]): readonly string[] {
    return this.keep(registeredAtBoot(this.past, specs));
  }

  reload(old: readonly McpServerSpec[], next: readonly McpServerSpec[]): readonly string[] {
    const { steps, removed } = compareGenerations(
      { servers: old, groups: [] },
      { servers: next, groups: [] },
    );
    return this.keep(registeredByReload(steps, removed));
  }

  keep(events: readonly McpServerEvent[]): readonly string[] {
    return events.map((event) => {
      const { type, data } = McpServerEvent.parse(event);
      const { mcp_server_id: id } = data;
      this.past.set(id, evolve(this.past.get(id) ?? initial, event));
      return `${type} ${id}`;
    });
  }
}

const one = specOf({ id: 'one' });
const two = specOf({ id: 'two' });

test('a start tells what the log does not know, and nothing that it knows', () => {
  const log = new Log();
  expect(log.boot(one, two)).toEqual(['McpServerRegistered one', 'McpServerRegistered two']);
  expect(log.boot(one, two)).toEqual([]);
  expect(log.boot({ ...one, idleTtlMs: one.idleTtlMs + 1 })).toEqual([
    'McpServerDeregistered two',
    'McpServerUpdated one',
  ]);
  expect(log.boot({ ...one, idleTtlMs: one.idleTtlMs + 1 })).toEqual([]);
  expect(log.boot(one, two)).toEqual(['McpServerUpdated one', 'McpServerRegistered two']);
});

test('a reload tells what differs, and the start after it has nothing to add', () => {
  const log = new Log();
  log.boot(one, two);
  const changed = { ...two, enabled: false };
  const three = specOf({ id: 'three' });
  expect(log.reload([one, two], [changed, three])).toEqual([
    'McpServerDeregistered one',
    'McpServerUpdated two',
    'McpServerRegistered three',
  ]);
  expect(log.boot(changed, three)).toEqual([]);
  expect(log.reload([changed, three], [changed, three])).toEqual([]);
});

test('what was wrong with a server is still wrong when it is told to be another one', () => {
  const log = new Log();
  const degraded: Lifecycle = { ...initial, phase: 'degraded', failures: 3, retryAtMs: 9 };
  log.past.set('one', degraded);
  log.boot(one);
  expect(log.past.get('one')).toMatchObject({ phase: 'degraded', failures: 3, retryAtMs: 9 });
});

test('no event has a secret', () => {
  const launch = { kind: 'stdio', command: 'x', args: [], env: {}, cwd: undefined } as const;
  const env = { TOKEN: new Secret('hidden') };
  const spec = { ...one, launch: { ...launch, env }, secrets: [new Secret('hidden')] };
  expect(JSON.stringify(registeredAtBoot(new Map(), [spec]))).not.toContain('hidden');
});
