/** The gateway that runs, as far as it can be told from outside. */
import { basename } from 'node:path';
import type { GatewayFacts, PortFacts } from '../../domain/doctor/installation-rules.ts';
import { callOwner } from '../state/owner-link.ts';
import { recordedSocket } from '../state/socket-path.ts';
import { portHolder } from '../system/port-holder.ts';

/** Never rejects. @param digest of the configuration as it is now */
export async function gatewayFacts(folder: string, digest: string): Promise<GatewayFacts> {
  const path = socketIn(folder);
  if (path === undefined) return { kind: 'absent' };
  // Asked as a client is: a question would be answered whatever it was started with.
  const answer = await callOwner(path, 'watch', digest);
  switch (answer.kind) {
    case 'absent':
    case 'silent':
      return { kind: answer.kind };
    case 'refused':
      return { kind: answer.reason === 'unknown-want' ? 'other-version' : answer.reason };
    case 'linked':
      answer.socket.on('error', () => undefined).destroy();
      return { kind: 'running', pid: answer.facts.pid };
  }
}

function socketIn(folder: string): string | undefined {
  try {
    return recordedSocket(folder);
  } catch {
    return undefined; // what keeps us out is said of the folder
  }
}

/** Who holds the port, the gateway of this configuration aside. Never rejects. */
export async function portFacts(port: number, gateway: GatewayFacts): Promise<PortFacts> {
  const holder = port === 0 ? undefined : await portHolder(port).catch(() => undefined);
  const isOurs = gateway.kind === 'running' && holder?.pid === gateway.pid;
  // Its arguments may hold what is nobody's business.
  const program = basename(holder?.command.split(' ', 1)[0] ?? '');
  const heldBy = holder === undefined || isOurs ? undefined : `process ${holder.pid} (${program})`;
  return { port, heldBy };
}
