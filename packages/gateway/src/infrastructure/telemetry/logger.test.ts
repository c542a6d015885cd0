import { Secret } from '@mcp-hangar/kernel/secret';
import { describe, expect, test } from 'vitest';
import type { Logger } from '../../application/ports.ts';
import { createLogger } from './logger.ts';

function logging(options: { json: boolean; level?: string }): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { logger: createLogger({ level: 'debug', ...options, destination }), lines };
}

describe('a log line', () => {
  test('is one JSON object with its event, level, time and service', () => {
    const { logger, lines } = logging({ json: true });
    logger.warn({ mcpServerId: 'files', pid: 7 }, 'mcp_server_ended');
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'warn',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      service: 'mcp-hangar',
      mcpServerId: 'files',
      pid: 7,
      event: 'mcp_server_ended',
    });
  });

  test('is readable where it is no JSON', () => {
    const { logger, lines } = logging({ json: false });
    logger.info({ mcpServerId: 'files', pid: 7, list: [1] }, 'mcp_server_started');
    expect(lines[0]).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} INFO {2}mcp_server_started mcpServerId=files pid=7 list=\[1\]\n$/,
    );
  });

  test.each(['\n', '\r\n', '\u001b[31m', '\u2028', '\u009b'])(
    'is one line, whatever a server said in it (%j)',
    (control) => {
      const reason = `bad${control}12:00:00 INFO forged`;
      const [json, readable] = [logging({ json: true }), logging({ json: false })];
      for (const { logger, lines } of [json, readable]) {
        logger.error({ reason }, 'request_failed');
        expect(lines.map((line) => line.split('\n').length)).toEqual([2]);
      }
      expect(JSON.parse(json.lines[0] ?? '')).toMatchObject({ reason });
      expect(readable.lines[0]?.trimEnd()).not.toMatch(/\p{Cc}|\u2028/u);
    },
  );

  test('below the level is none', () => {
    const { logger, lines } = logging({ json: true, level: 'warn' });
    logger.debug({}, 'a');
    logger.info({}, 'b');
    logger.warn({}, 'c');
    logger.error({}, 'd');
    expect(lines.map((line) => (JSON.parse(line) as { event: string }).event)).toEqual(['c', 'd']);
  });

  test('shows no secret, by type or by name, as far down as we log', () => {
    for (const json of [true, false]) {
      const { logger, lines } = logging({ json });
      const value = 'hunter2';
      logger.info(
        {
          any: new Secret(value),
          token: value,
          a: { password: value, b: { authorization: value, apiKey: value } },
          env: { X: value },
          launch: { env: { X: value } },
        },
        'started',
      );
      expect(lines.join('')).not.toContain(value);
      expect(lines.join('')).toContain('[secret]');
    }
  });
});
