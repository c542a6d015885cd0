import { describe, expect, it } from 'vitest';

import { editDistance, nearest } from './near-names.ts';

describe('the nearest name', () => {
  it.each([
    ['comand', 'command', 1],
    ['idle_tlt_s', 'idle_ttl_s', 1],
    ['', 'abc', 3],
    ['abc', 'abc', 0],
    ['ca', 'abc', 3],
  ])('%j is %j with %i edits', (left, right, edits) => {
    expect(editDistance(left, right)).toBe(edits);
    expect(editDistance(right, left)).toBe(edits);
  });

  it('is offered when it is near, and nothing otherwise', () => {
    const names = ['command', 'args', 'mcp_servers'];
    expect(nearest('Comand', names)).toBe('command');
    expect(nearest('mcpServers', names)).toBe('mcp_servers');
    expect(nearest('ags', names)).toBe('args');
    expect(nearest('env', names)).toBeUndefined();
    expect(nearest('x'.repeat(65), names)).toBeUndefined();
  });
});
