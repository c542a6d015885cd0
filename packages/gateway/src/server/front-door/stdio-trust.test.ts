import { expect, describe, test } from 'vitest';
import { INITIALIZE, StdioWorld } from '../../../test-kit/stdio-world.ts';

describe('A legacy client', () => {
  test('cannot put an id or a name beside its own for servers that mind no case', async () => {
    await using world = await StdioWorld.open();
    await world.initialize();
    const params = { name: 's__work', Name: 'other', arguments: { ID: 1 } };
    world.send({ id: 1, ID: 77, method: 'tools/call', params });
    const received = await world.received('tools/call');
    expect(received).not.toHaveProperty('ID');
    expect(received['params']).toEqual({ name: 'work', arguments: { ID: 1 } });
  });

  test('reaches its own servers with notifications, not with requests that lack an id', async () => {
    await using world = await StdioWorld.open();
    await world.initialize({ ...INITIALIZE, capabilities: { roots: {} } });
    world.call(1);
    await world.received('tools/call');
    world.send({ method: 'tools/call', params: { name: 'hidden' } });
    world.send({ method: 'notifications/roots/list_changed' });
    await world.received('notifications/roots/list_changed');
    expect(world.receivedAll('tools/call')).toHaveLength(1);
  });
});
