/**
 * `serve`: which part this process plays. Where a gateway already runs for the configuration, it only carries the bytes
 * of its own clients to it; else it is that gateway. Nothing here loads more than a bridge needs.
 */
import { duplexPair } from 'node:stream';
import type { Place } from '../infrastructure/state/place.ts';
import type { ServeFlags } from '../server/cli/commands/serve.ts';
import { Bridge, type Attachment } from './bridge.ts';
import { whenAsked } from './ending.ts';
import { findConfigText } from './find-config.ts';
import { tellFailure } from './outcome.ts';
import { USER_ERROR } from './exit-codes.ts';
import { passOnHangUp } from './reload/hang-up.ts';
import { say, tellDefect } from './say.ts';
import type { Serving } from './serve-gateway.ts';
import { chooseState, seekAgain, seekPlace, type Start } from './start.ts';

/** Serves until there is a reason to stop. Answers the exit code. */
export async function serve(flags: ServeFlags): Promise<number> {
  if (flags.standalone === true && flags.stateDir !== undefined) {
    say('mcp-hangar: --standalone uses no state folder and --state-dir names one; leave one out');
    return USER_ERROR;
  }
  const config = await findConfigText(flags.config);
  const start: Start = { flags, config, state: chooseState(flags, config) };
  if (flags.http === true || process.env['MCP_MODE'] === 'http') {
    const { serveHttp } = await import('./serve-http.ts');
    return serveHttp(start);
  }
  if (process.stdin.isTTY)
    say('mcp-hangar speaks MCP on stdin and stdout: for an AI client to start; --http serves HTTP');
  const place = await seekPlace(start.state, 'mcp');
  if (place.kind === 'guest') return bridge(start, place);
  const { openGateway, serveOverStdio } = await import('./serve-gateway.ts');
  return serveOverStdio(await openGateway(start, place));
}

/** Carries one client to the running gateway, and to the next one when that ends; the next may be this process. */
async function bridge(start: Start, first: Extract<Place, { kind: 'guest' }>): Promise<number> {
  const leaving = new AbortController();
  let serving: Serving | undefined;
  let seeking: Promise<Attachment> | undefined;
  const seek = async (): Promise<Attachment> => {
    if (serving !== undefined) return attachTo(serving);
    const sought = await seekAgain(start, 'mcp', leaving.signal);
    const { place } = sought;
    if (place.kind === 'guest') return attachmentOf(place);
    if (leaving.signal.aborted) {
      if (place.kind === 'owner') place.lock.release();
      throw new Error('nobody waits for a gateway any more');
    }
    const { openGateway, usableStart } = await import('./serve-gateway.ts');
    try {
      serving = await openGateway(usableStart(sought.start, start), place);
    } catch (error) {
      tellFailure(error, false); // the bridge only learns that there is no gateway
      throw error;
    }
    return attachTo(serving);
  };
  say(`mcp-hangar: connected to the gateway of process ${first.facts.pid}`);
  const client = new Bridge(
    { input: process.stdin, output: process.stdout, next: () => (seeking = seek()) },
    attachmentOf(first),
  );
  const asked = whenAsked(
    (error) => tellDefect(error, serving?.gateway.logger),
    () => void passOnHangUp(start, serving),
  );
  const ending = await Promise.race([asked, client.ended]);
  client.leave();
  await client.ended;
  leaving.abort();
  await seeking?.catch(() => undefined);
  await serving?.close();
  return ending?.code ?? 0;
}

const attachmentOf = ({ socket, facts }: Extract<Place, { kind: 'guest' }>): Attachment => ({
  stream: socket,
  ...facts,
});

/** The gateway is in this process: its client's lines go through memory. */
function attachTo({ gateway, facts }: Serving): Attachment {
  const [ours, theirs] = duplexPair();
  gateway.connect(theirs, theirs);
  return { stream: ours, ...facts };
}
