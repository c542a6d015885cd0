import { randomUUID } from 'node:crypto';
import type { Clock, EventSink, Fencing, Logger } from '../ports.ts';
import type { McpServer } from '../servers/mcp-server.ts';
import { failoverProcess } from './failover-process.ts';
import type { PastProcesses } from './past-processes.ts';
import { ProcessRunner } from './process-runner.ts';
import { Processes } from './processes.ts';
import { recoveryProcess } from './recovery-process.ts';

interface ProcessParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventSink;
  readonly newEventId?: () => string;
  /** Where other gateways use the same store. */
  readonly fencing?: Fencing;
  /** Where the log left off. */
  readonly pastProcesses?: PastProcesses;
}

/** Every process of a gateway. What is recorded by way of the answer is what they react to. */
export function newProcesses(
  { clock, logger, events, newEventId, fencing, pastProcesses: past }: ProcessParts,
  servers: () => readonly McpServer[],
): Processes {
  const processes = new Processes(events, newEventId ?? (() => randomUUID()));
  const parts = { clock, logger, events, fencing, past };
  const recovery = recoveryProcess({ clock, servers });
  processes.add(new ProcessRunner(recovery, { ...parts, of: ({ recoveries }) => recoveries }));
  const failover = failoverProcess(servers);
  processes.add(new ProcessRunner(failover, { ...parts, of: ({ failovers }) => failovers }));
  return processes;
}
