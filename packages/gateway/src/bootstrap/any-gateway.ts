/** The gateway that a command can ask although none may run: then one in this process, or what is known without one. */
import { Fault } from '@mcp-hangar/kernel/errors';
import type { PlaceFlags } from '../server/cli/commands/group.ts';
import { callOwnerOf, SocketLine, type GatewayLine } from './ask-gateway.ts';
import { findConfigText } from './find-config.ts';
import { chooseState, seekPlace, type Start } from './start.ts';

/**
 * The gateway that runs for the configuration, or one in this process that owns the state folder like every other:
 * clients that come meanwhile are served, and find another one when it ends.
 * @throws Fault CONFIG_INVALID and whatever keeps a gateway from being opened
 */
export async function anyGateway(flags: PlaceFlags): Promise<GatewayLine> {
  const start = await startOf(flags);
  const place = await seekPlace(start.state, 'query');
  if (place.kind === 'guest') {
    return new SocketLine(place.socket, place.facts, async () => {
      const found = await callOwnerOf(flags, start.config);
      if (found.kind === 'linked') return found.socket;
      throw new Fault('GATEWAY_ENDED', 'the gateway that was asked has ended');
    });
  }
  const { openOwn } = await import('./own-gateway.ts');
  return openOwn(start, place);
}

/** What is known of the servers without a gateway: their configuration, and what was remembered. Nothing is started. */
export async function knownServers(flags: PlaceFlags): Promise<GatewayLine> {
  const start = await startOf(flags);
  const { openKnown } = await import('./own-gateway.ts');
  return openKnown(start);
}

async function startOf(flags: PlaceFlags): Promise<Start> {
  const { config: named, stateDir } = flags;
  const config = await findConfigText(named);
  const place = stateDir === undefined ? {} : { stateDir };
  return {
    flags: { ...place, logLevel: 'error' },
    config,
    state: chooseState(place, config),
    isQuiet: true,
  };
}
