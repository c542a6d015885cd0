import type { Fault } from '@mcp-hangar/kernel/errors';
import type { Seat } from '../../domain/mcp-server/sharing.ts';
import type { McpServerSpec } from '../../domain/mcp-server/spec.ts';
import { NO_CAPABILITIES } from '../../domain/protocol/capabilities.ts';
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';
import type { Era } from '../../domain/protocol/revisions.ts';
import type { UpstreamConnection, UpstreamLauncher } from '../ports.ts';
import type { StartingChild } from './starting-child.ts';

export interface HowToStart {
  readonly clientInfo?: JsonObject | undefined;
  /** Unless given, that of the seat. */
  readonly era?: Era | 'unknown';
}

interface Connecting {
  readonly seat: Seat;
  readonly era: Era | 'unknown';
  readonly clientInfo?: JsonObject | undefined;
  readonly signal: AbortSignal;
  /** Why a start is given up once the signal is aborted. */
  readonly unwanted: () => Fault;
}

/** The connection of a child that starts. @throws Fault where there is none, or nobody wants it any more */
export async function connectChild(
  launcher: UpstreamLauncher,
  spec: McpServerSpec,
  child: StartingChild,
  { seat, era, clientInfo, signal, unwanted }: Connecting,
): Promise<UpstreamConnection> {
  const connection = await launcher.start(spec, {
    era,
    capabilities: seat.kind === 'shared' ? NO_CAPABILITIES : seat.capabilities,
    clientInfo,
    signal,
    observer: child,
  });
  const useless = signal.aborted ? unwanted() : child.endedEarly(spec.id);
  if (useless === undefined) return connection;
  await connection.close('shutdown');
  throw useless;
}
