import fc from 'fast-check';
import { assert, describe, expect, it } from 'vitest';

import { interpolate } from './interpolate.ts';
import { loadGatewayConfig } from './load-config.ts';

const resolved = (text: string, env: Readonly<Record<string, string>> = {}): string | undefined => {
  const result = interpolate(text, env);
  return result.ok ? result.value.text : undefined;
};

describe('references to the environment', () => {
  it.each([
    ['${A}', 'a'],
    ['x${A}y${B}z', 'xaybz'],
    ['${A:-d}', 'a'],
    ['${EMPTY}', ''],
    ['${EMPTY:-d}', 'd'],
    ['${UNSET:-d e}', 'd e'],
    ['${UNSET:-}', ''],
    ['$${A}', '${A}'],
    ['$$${A}', '$${A}'],
    ['$A $$ $', '$A $$ $'],
    ['}{', '}{'],
  ])('%s becomes %s', (text, expected) => {
    expect(resolved(text, { A: 'a', B: 'b', EMPTY: '' })).toBe(expected);
  });

  it.each([
    '${UNSET}',
    '${1A}',
    '${}',
    '${A',
    '${A:-${B}}',
    '${A-d}',
    '${constructor}',
    '${__proto__}',
  ])('%s is refused', (text) => {
    expect(resolved(text, { A: 'a' })).toBeUndefined();
  });

  it('never look at what was put in', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('${x}', '$${', '${', '}', '$', '${A}', 'a', '\n', ': ', '*'), {
          maxLength: 12,
        }),
        (parts) => {
          const secret = parts.join('');
          expect(resolved('<${A}|${B:-x}>', { A: secret, B: secret })).toBe(
            secret === '' ? '<|x>' : `<${secret}|${secret}>`,
          );
        },
      ),
      { seed: 2026 },
    );
  });

  it('escape any text so that it comes out as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('$', '{', '}', 'A', ':', '-') }), (text) => {
        expect(resolved(text.split('${').join('$${'), { A: 'a' })).toBe(text);
      }),
      { seed: 2026 },
    );
  });
});

describe('references in a document', () => {
  it('are resolved in values and not in keys, after YAML was parsed', () => {
    const result = loadGatewayConfig({
      text: 'mcp_servers:\n  a:\n    command: ["${CMD}"]\n    env: {"${KEY}": "${TOKEN}"}\n    cwd: ${DIR:-/tmp}\n',
      env: { CMD: 'x: [1, *y', KEY: 'k', TOKEN: 'se${x}cr"et\n- $${A}' },
    });
    assert(result.ok);
    const launch = result.value.servers[0]?.launch;
    assert(launch?.kind === 'stdio');
    expect([launch.command, launch.cwd]).toEqual(['x: [1, *y', '/tmp']);
    expect(launch.env['${KEY}']?.reveal()).toBe('se${x}cr"et\n- $${A}');
  });

  it('never show what was put in when something is wrong with it', () => {
    const text = [
      'mcp_servers:',
      '  a:',
      `    command: 'x "\${SECRET}'`,
      '    mode: ${SECRET}',
      '    cwd: ["${SECRET}"]',
      '    args: [{a: "${SECRET}"}]',
      '    idle_ttl_s: ${SECRET}',
      '    endpoint: ${SECRET}',
      '    volumes: ["${SECRET}"]',
      '    env: ["${SECRET}"]',
      '    tools: [{name: "${SECRET} x"}, {name: "${SECRET} x"}]',
      'http: {port: "${SECRET}", host: {a: "${SECRET}"}}',
      'logging: "${SECRET}"',
    ].join('\n');
    const result = loadGatewayConfig({ text, env: { SECRET: 'hunter2' } });
    assert(!result.ok);
    expect(result.error.length).toBeGreaterThanOrEqual(11);
    expect(JSON.stringify(result.error)).not.toContain('hunter2');
  });

  it('may stand for numbers and booleans, and stay text where text is wanted', () => {
    const result = loadGatewayConfig({
      text: 'mcp_servers:\n  a: {command: x, args: ["${N}"], idle_ttl_s: "${N}"}\nhttp: {port: "${P:-9000}"}\nlogging: {json_format: "${J}"}\n',
      env: { N: '42', J: 'true' },
    });
    assert(result.ok);
    const { servers, http, logging } = result.value;
    expect(servers[0]).toMatchObject({ idleTtlMs: 42_000, launch: { args: ['42'] } });
    expect([http.port, logging.json]).toEqual([9000, true]);
  });
});
