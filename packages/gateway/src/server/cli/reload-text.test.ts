import { describe, expect, it } from 'vitest';
import type { ReloadAnswer } from '../../application/operator/reload-report.ts';
import { reloadText } from './reload-text.ts';

const answer = (change: Partial<ReloadAnswer>): ReloadAnswer => ({
  file: 'config.yaml',
  dry_run: false,
  identical: false,
  added: [],
  removed: [],
  updated: [],
  unchanged: [],
  restarted: [],
  groups: [],
  duration_ms: 12.4,
  apply_ms: 1,
  ...change,
});

describe('What is printed of a reload', () => {
  it('counts groups apart from servers', () => {
    const some = answer({ unchanged: ['a', 'b', 'pool'], groups: ['pool', 'gone'] });
    expect(reloadText(some)).toBe(
      'reloaded config.yaml in 12 ms: 2 MCP servers and 1 group unchanged',
    );
    const one = answer({ unchanged: ['a'], dry_run: true });
    expect(reloadText(one)).toBe('would reload config.yaml: 1 MCP server unchanged');
  });

  it('has a line for each id that something was done to', () => {
    const text = reloadText(
      answer({ added: ['new'], removed: ['old'], updated: ['b', 'c'], restarted: ['c'] }),
    );
    expect(text.split('\n').slice(1)).toEqual([
      '- old',
      '+ new',
      '~ b',
      '~ c (restarts with its next call)',
    ]);
  });
});
