/** A gateway with one server of every bad habit, and the processes that it has started. */
import { fileURLToPath } from 'node:url';
import { compose, type Gateway } from '../../packages/gateway/src/bootstrap/compose.ts';
import { loadGatewayConfig } from '../../packages/gateway/src/bootstrap/config/load-config.ts';

export const HABITS = ['raw', 'stubborn', 'holds', 'crash'] as const;
export type Habit = (typeof HABITS)[number];

const SCRIPT = fileURLToPath(new URL('./fixtures/server.sh', import.meta.url));

/** Short, because ten thousand children are waited for; the order is the same. */
const CHILD_TIMINGS = { stdinCloseMs: 15, termMs: 15, drainMs: 10 };

const configText = (sharing: 'session' | 'shared'): string =>
  [
    'mcp_servers:',
    ...HABITS.map(
      (habit) => `  ${habit}: { command: [sh, ${SCRIPT}, ${habit}], sharing: ${sharing} }`,
    ),
    '',
  ].join('\n');

export interface LeakGateway {
  readonly gateway: Gateway;
  /** Process ids, which are group ids too, of every child that was started. */
  readonly groups: Set<number>;
}

export interface LeakGatewayOptions {
  readonly sharing: 'session' | 'shared';
  readonly sessionIdleMs?: number;
  /** Turned by the caller, so that back-off after crashes costs no time. */
  readonly nowMs?: () => number;
}

export async function leakGateway({
  sharing,
  sessionIdleMs,
  nowMs,
}: LeakGatewayOptions): Promise<LeakGateway> {
  const loaded = loadGatewayConfig({ text: configText(sharing), env: {} });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  const { limits, http } = loaded.value;
  const groups = new Set<number>();
  const note = (fields: Readonly<Record<string, unknown>>): void => {
    if (typeof fields['pid'] === 'number') groups.add(fields['pid']);
  };
  const gateway = await compose(
    {
      ...loaded.value,
      http: { ...http, port: 0 },
      limits: { ...limits, sessionIdleMs: sessionIdleMs ?? limits.sessionIdleMs },
    },
    {
      childTimings: CHILD_TIMINGS,
      logger: { debug: note, info: note, warn: note, error: note },
      ...(nowMs === undefined ? {} : { clock: { nowMs } }),
    },
  );
  return { gateway, groups };
}
