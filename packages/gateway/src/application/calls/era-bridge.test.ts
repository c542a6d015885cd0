import { describe, expect, test } from 'vitest';
import { codeOf, lastOf, legacyWorld } from '../../../test-kit/legacy-world.ts';

describe('What is no answer to a legacy client', () => {
  test('is a result of a type that only an extension knows', async () => {
    const world = legacyWorld();
    const heard = await world.call();
    const child = world.child();
    child.answer(Number(lastOf(child)['id']), { result: { resultType: 'task', taskId: 't' } });
    expect(codeOf(heard)).toBe('UPSTREAM_PROTOCOL_ERROR');
    expect(JSON.stringify(heard.ends[0])).toContain('\\"task\\"');
  });

  test.each([
    [-32_020, { code: 'UPSTREAM_PROTOCOL_ERROR', retryable: false, upstreamCode: -32_020 }],
    [-32_022, { code: 'UPSTREAM_PROTOCOL_ERROR', retryable: false, upstreamCode: -32_022 }],
    [-32_021, { requiredCapabilities: { sampling: {} }, upstreamCode: -32_021 }],
  ])('is an error of code %i', async (upstreamCode, data) => {
    const world = legacyWorld();
    const heard = await world.call();
    const child = world.child();
    child.answer(Number(lastOf(child)['id']), {
      error: {
        code: upstreamCode,
        message: 'no',
        data: { requiredCapabilities: { sampling: {} } },
      },
    });
    expect(heard.ends).toEqual([
      { code: -32_603, message: expect.stringContaining('no') as string, data },
    ]);
  });

  test('is not an error that it knows', async () => {
    const world = legacyWorld();
    const heard = await world.call();
    const child = world.child();
    const error = { code: -32_602, message: 'Unknown resource', data: { uri: 'x' } };
    child.answer(Number(lastOf(child)['id']), { error });
    expect(heard.ends).toEqual([error]);
  });
});
