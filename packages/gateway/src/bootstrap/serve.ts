/**
 * `serve`: which part this process plays. Where a gateway already runs for the configuration, it only carries the bytes
 * of its own clients to it; else it is that gateway. Nothing here loads more than a bridge needs.
 */
import { duplexPair } from 'node:stream';
import type { Place } from '../infrastructure/state/place.ts';
import type { ServeFlags } from '../server/cli/program.ts';
import { Bridge, type Attachment } from './bridge.ts';
import { readConfigText } from './config/read-config-text.ts';
import { whenAsked } from './ending.ts';
import { findConfig } from './find-config.ts';
import { reportProblems, say, tellDefect, USER_ERROR } from './say.ts';
import type { Serving } from './serve-gateway.ts';
import { chooseState, seekPlace, type Start } from './start.ts';

/** Serves until there is a reason to stop. Answers the exit code. */
export async function serve(flags: ServeFlags): Promise<number> {
  if (flags.standalone === true && flags.stateDir !== undefined) {
    say('mcp-hangar: --standalone uses no state folder and --state-dir names one; leave one out');
    return USER_ERROR;
  }
  const located = findConfig(flags.config);
  if ('code' in located) return located.code;
  const text = located.path === undefined ? undefined : await readConfigText(located.path);
  if (text?.ok === false) return reportProblems([text.error]);
  const config = { ...located, text: text?.value };
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
  const serving = await openGateway(start, place);
  return 'code' in serving ? serving.code : serveOverStdio(serving);
}

/** Carries one client to the running gateway, and to the next one when that ends; the next may be this process. */
async function bridge(start: Start, first: Extract<Place, { kind: 'guest' }>): Promise<number> {
  const leaving = new AbortController();
  let serving: Serving | undefined;
  let seeking: Promise<Attachment> | undefined;
  const seek = async (): Promise<Attachment> => {
    if (serving !== undefined) return attachTo(serving);
    const place = await seekPlace(start.state, 'mcp', leaving.signal);
    if (place.kind === 'guest') return attachmentOf(place);
    if (leaving.signal.aborted) {
      if (place.kind === 'owner') place.lock.release();
      throw new Error('nobody waits for a gateway any more');
    }
    const { openGateway } = await import('./serve-gateway.ts');
    const opened = await openGateway(start, place);
    if ('code' in opened) throw new Error('the configuration cannot be served');
    serving = opened;
    return attachTo(opened);
  };
  say(`mcp-hangar: connected to the gateway of process ${first.facts.pid}`);
  const client = new Bridge(
    { input: process.stdin, output: process.stdout, next: () => (seeking = seek()) },
    attachmentOf(first),
  );
  const asked = whenAsked((error) => tellDefect(error, serving?.gateway.logger));
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
