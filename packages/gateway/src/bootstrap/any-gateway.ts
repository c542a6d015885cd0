/** The gateway that a command can ask although none may run: then one in this process, or what is known without one. */
import { Fault } from '@mcp-hangar/kernel/errors';
import type { PlaceFlags } from '../server/cli/commands/group.ts';
import { callOwnerOf, SocketLine, type GatewayLine } from './ask-gateway.ts';
import { findConfigText } from './find-config.ts';
import { chooseState, seekPlace, type Start } from './start.ts';

/** Of one command, when one gateway after the other ends. */
const GATEWAYS_MAX = 8;

/**
 * The gateway that runs for the configuration, or one in this process that owns the state folder like every other:
 * clients that come meanwhile are served, and find another one when it ends. Where the one that was asked ends before
 * it takes a question, as that of another command does, the next one is asked.
 * @throws Fault CONFIG_INVALID and whatever keeps a gateway from being opened
 */
export async function anyGateway(flags: PlaceFlags): Promise<GatewayLine> {
  const start = await startOf(flags);
  return new NextLine(await lineOf(flags, start), () => lineOf(flags, start));
}

async function lineOf(flags: PlaceFlags, start: Start): Promise<GatewayLine> {
  const place = await seekPlace(start.state, 'query');
  if (place.kind === 'guest') {
    return new SocketLine(place.socket, place.facts, async () => {
      const found = await callOwnerOf(flags, start.config);
      if (found.kind === 'linked') return found.socket;
      throw new Fault('GATEWAY_STOPPING', 'the gateway that was asked has ended');
    });
  }
  const { openOwn } = await import('./own-gateway.ts');
  return openOwn(start, place);
}

/** One gateway after the other: a question that was not taken goes to the next. */
class NextLine implements GatewayLine {
  #line: Promise<GatewayLine>;
  readonly #open: () => Promise<GatewayLine>;
  #gateways = 1;
  running: GatewayLine['running'];

  constructor(first: GatewayLine, open: () => Promise<GatewayLine>) {
    this.#line = Promise.resolve(first);
    this.#open = open;
    this.running = first.running;
  }

  async ask(...asked: Parameters<GatewayLine['ask']>): Promise<unknown> {
    for (;;) {
      const line = this.#line;
      try {
        return await (await line).ask(...asked);
      } catch (error) {
        const wasTaken = !(error instanceof Fault && error.code === 'GATEWAY_STOPPING');
        if (wasTaken || (this.#line === line && this.#gateways === GATEWAYS_MAX)) throw error;
        asked[1]?.signal?.throwIfAborted();
        // Whoever asks at the same time goes to the same one.
        if (this.#line === line) this.#line = this.#next(line);
      }
    }
  }

  async #next(last: Promise<GatewayLine>): Promise<GatewayLine> {
    this.#gateways += 1;
    await (await last)[Symbol.asyncDispose]();
    const line = await this.#open();
    this.running = line.running;
    return line;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const line = await this.#line.catch(() => undefined); // it was told where it was asked for
    await line?.[Symbol.asyncDispose]();
  }
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
