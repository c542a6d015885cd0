/** A program that changes the configuration of the gateway inside it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Hangar, type HangarConfig } from 'mcp-hangar';
import { describe, expect, it } from 'vitest';
import { errorOf, pidOf, textOf, up } from '../support/embedding.ts';
import { until } from '../support/until.ts';
import { upstream } from '../support/upstream.ts';

describe('A configuration that changes', () => {
  it('is applied where the program hands over the next one', async () => {
    await using hangar = await Hangar.start(up());
    const pid = await pidOf(hangar);
    const two: HangarConfig = { mcp_servers: { ...up().mcp_servers, two: upstream() } };
    expect(await hangar.reload(two, { isDryRun: true })).toMatchObject({ added: ['two'] });
    expect(await hangar.reload(two)).toEqual({
      isIdentical: false,
      added: ['two'],
      removed: [],
      updated: [],
      unchanged: ['up'],
      restarted: [],
      groups: [],
      durationMs: expect.any(Number),
    });
    expect(await hangar.reload(two)).toMatchObject({ isIdentical: true });
    expect(await pidOf(hangar)).toBe(pid);
    expect(textOf(await hangar.invoke('two', 'echo', { a: 1 }))).toContain('"a":1');
    expect(await hangar.reload(up(['--tools=1']))).toMatchObject({
      removed: ['two'],
      restarted: ['up'],
    });
    expect(await pidOf(hangar)).not.toBe(pid);
    const limits = { ...up(['--tools=1']), limits: { in_flight_max: 5 } };
    const refused = await errorOf(hangar.reload(limits));
    expect(refused).toMatchObject({
      code: 'CONFIG_RESTART_REQUIRED',
      data: { keys: ['limits.in_flight_max'] },
    });
    const wrong = { mcp_servers: { up: { comand: 'x' } } } as unknown as HangarConfig;
    expect((await errorOf(hangar.reload(wrong))).code).toBe('CONFIG_INVALID');
    expect((await errorOf(hangar.reload())).code).toBe('CONFIG_INVALID');
  });

  it('is read again where it is a file, and only then', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hangar-embedding-'));
    const file = join(folder, 'config.yaml');
    try {
      await writeFile(file, JSON.stringify(up()));
      await using hangar = await Hangar.fromConfig(file);
      const types: string[] = [];
      hangar.events.subscribe(({ type }) => void types.push(type));
      const pid = await pidOf(hangar);
      await writeFile(file, JSON.stringify(up([], { description: 'new' })));
      expect(await hangar.reload()).toMatchObject({ updated: ['up'], restarted: [] });
      expect(await pidOf(hangar)).toBe(pid);
      expect((await hangar.getMcpServer('up')).description).toBe('new');
      expect((await errorOf(hangar.reload(up()))).code).toBe('INPUT_INVALID');
      await until('it is recorded', () => types.includes('ConfigurationReloaded'));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
