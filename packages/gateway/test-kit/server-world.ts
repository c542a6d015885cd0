/** One server of the application over a scripted launcher, with a clock that the test moves. */
import type {
  ChangedList,
  Child,
  Owner,
  ServerNotification,
  ServerRequest,
} from '../src/application/servers/child.ts';
import { McpServer, type ServerUser } from '../src/application/servers/mcp-server.ts';
import type { Remembered, ServerListener } from '../src/application/servers/server-dependencies.ts';
import type { DomainEvent } from '../src/application/ports.ts';
import type { Asker } from '../src/domain/mcp-server/sharing.ts';
import {
  ScriptedLauncher,
  SILENT,
  specOf,
  type Hello,
  type SpecPart,
} from './scripted-launcher.ts';

export interface World {
  readonly server: McpServer;
  readonly launcher: ScriptedLauncher;
  readonly clock: { now: number; nowMs(): number };
  readonly ready: Child[];
  readonly changed: string[];
  readonly events: DomainEvent[];
}

/** @param hello makes every start succeed at once */
export function worldOf(
  spec: SpecPart = {},
  options: {
    readonly hello?: Hello;
    readonly leaseWaitMs?: number;
    readonly listener?: ServerListener;
    readonly remembered?: Remembered;
  } = {},
): World {
  const launcher = new ScriptedLauncher(options.hello);
  const clock = {
    now: 1_000_000,
    nowMs(): number {
      return this.now;
    },
  };
  const ready: Child[] = [];
  const changed: string[] = [];
  const events: DomainEvent[] = [];
  const server = new McpServer(specOf(spec), {
    launcher,
    clock,
    logger: SILENT,
    random: () => 0.5,
    leaseWaitMs: options.leaseWaitMs ?? 1_000_000,
    listener: options.listener ?? {
      ready: (_server, child) => void ready.push(child),
      changed: (_server, _child, { method }) => void changed.push(method),
      ended: () => undefined,
      toolsKnown: () => undefined,
    },
    remembered: options.remembered,
    events: { record: (_stream, event) => void events.push(event) },
  });
  return { server, launcher, clock, ready, changed, events };
}

/** An owner that keeps what it hears. */
export class Listener implements Owner {
  logLevel: string | undefined;
  readonly requests: ServerRequest[] = [];
  readonly notifications: ServerNotification[] = [];
  readonly ended: Child[] = [];
  readonly changes: (readonly ChangedList[])[] = [];

  serverRequest(child: Child, request: ServerRequest): void {
    child.asking += 1;
    this.requests.push(request);
  }
  serverNotification(_child: Child, notification: ServerNotification): void {
    this.notifications.push(notification);
  }
  childEnded(child: Child): void {
    this.ended.push(child);
  }
  listsChanged(changed: readonly ChangedList[]): void {
    this.changes.push(changed);
  }
}

export function userOf(owner: Owner = new Listener(), asker: Partial<Asker> = {}): ServerUser {
  return {
    asker: {
      era: 'legacy',
      owner: 'session',
      capabilities: {},
      wantsLogs: false,
      isOneClient: true,
      ...asker,
    },
    owner,
    clientInfo: undefined,
  };
}

/** A client that may be asked, so that it gets leased children. */
export const askingUser = (owner: Owner = new Listener()): ServerUser =>
  userOf(owner, { capabilities: { roots: {} } });
