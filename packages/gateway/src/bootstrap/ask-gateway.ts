/** Asks the gateway that runs for a configuration, over the local socket in its state folder. */
import type { Socket } from 'node:net';
import { messageOf } from '@mcp-hangar/kernel/error-text';
import { Fault, isErrorCode, type ErrorCode } from '@mcp-hangar/kernel/errors';
import type { z } from 'zod';
import type { OwnerFacts, Refusal } from '../domain/local-socket/greeting.ts';
import type { Question } from '../domain/local-socket/query.ts';
import {
  askOwner,
  callOwner,
  type AskOptions,
  type OwnerAnswer,
} from '../infrastructure/state/owner-link.ts';
import { recordedSocket } from '../infrastructure/state/socket-path.ts';
import type { PlaceFlags } from '../server/cli/commands/group.ts';
import { NO_ENV_FILE } from './config/env-file.ts';
import { findConfigText, type FoundConfig } from './find-config.ts';
import { stateFolder } from './start.ts';
import { VERSION } from './version.ts';

/** Whom a command asks: the gateway that runs, or one in this process. */
export interface GatewayLine extends AsyncDisposable {
  /** Undefined where no gateway runs but for this command. */
  readonly running: Pick<OwnerFacts, 'pid' | 'version'> | undefined;
  /** @throws Fault where there is no answer, or what the gateway said; the signal's reason where that is aborted */
  ask(question: Question, options?: AskOptions): Promise<unknown>;
}

const OTHER_VERSION = [
  'GATEWAY_OTHER_VERSION',
  'the gateway that runs is of another version; it is replaced once it ends',
] as const;
const REFUSED: Readonly<Record<Refusal, readonly [code: ErrorCode, why: string]>> = {
  stopping: ['GATEWAY_NOT_RUNNING', 'the gateway of this configuration is stopping'],
  'other-version': OTHER_VERSION,
  // One of this version refuses neither.
  'other-configuration': OTHER_VERSION,
  'unknown-want': OTHER_VERSION,
};

/** One question. @throws Fault where there is no answer: GATEWAY_NOT_RUNNING, what keeps us from asking, or what the gateway said */
export async function askGateway(
  flags: PlaceFlags,
  question: Question,
  options?: AskOptions,
): Promise<unknown> {
  await using line = await runningGateway(flags);
  return await line.ask(question, options);
}

/** @throws Fault GATEWAY_NOT_RUNNING, or what keeps us from finding it */
export async function runningGateway(flags: PlaceFlags): Promise<GatewayLine> {
  const config = await findConfigText(flags.config);
  const call = (): Promise<OwnerAnswer> => callOwnerOf(flags, config);
  const { socket, facts } = linked(await call(), flags, config);
  return new SocketLine(socket, facts, async () => linked(await call(), flags, config).socket);
}

/** Greets the gateway of a configuration for one question. @throws Fault STATE_UNAVAILABLE */
export async function callOwnerOf(flags: PlaceFlags, config: FoundConfig): Promise<OwnerAnswer> {
  const state = stateFolder(flags, config);
  const socketPath = socketIn(state.folder);
  if (socketPath === undefined) return { kind: 'absent' };
  return callOwner(socketPath, 'query', state.digest);
}

/**
 * The process of the gateway that has read a file, perhaps before it was changed; undefined where none does, or it
 * cannot be told. Never rejects.
 */
export async function readerOf(
  flags: PlaceFlags,
  path: string,
): Promise<{ readonly pid: number } | undefined> {
  // A question is taken whatever the digest; none is asked.
  const unread = { path, text: '', chosenBy: undefined, envFile: NO_ENV_FILE };
  try {
    const found = await callOwnerOf(flags, unread);
    if (found.kind !== 'linked') return undefined;
    found.socket.on('error', () => undefined).destroy();
    return { pid: found.facts.pid };
  } catch {
    return undefined; // a folder that nobody may look into: it was never the question
  }
}

type Linked = Extract<OwnerAnswer, { kind: 'linked' }>;

function linked(found: OwnerAnswer, flags: PlaceFlags, { path }: FoundConfig): Linked {
  switch (found.kind) {
    case 'absent':
      throw notRunning(flags, path);
    case 'silent':
      throw new Fault('GATEWAY_SILENT', 'the gateway of this configuration does not answer');
    case 'refused':
      throw new Fault(...REFUSED[found.reason]);
    case 'linked':
      return found;
  }
}

/** A connection carries one question: each but the first needs a new one. */
export class SocketLine implements GatewayLine {
  readonly running: OwnerFacts;
  readonly #connect: () => Promise<Socket>;
  #first: Socket | undefined;

  constructor(first: Socket, running: OwnerFacts, connect: () => Promise<Socket>) {
    this.#first = first;
    this.running = running;
    this.#connect = connect;
  }

  async ask(question: Question, options?: AskOptions): Promise<unknown> {
    const socket = this.#first ?? (await this.#connect());
    this.#first = undefined;
    const answer = await askOwner(socket, question, options);
    const { pid } = this.running;
    switch (answer) {
      case 'silent':
        throw new Fault('GATEWAY_SILENT', `the gateway of process ${pid} gave no answer in time`);
      case 'ended':
        options?.signal?.throwIfAborted();
        throw new Fault('GATEWAY_ENDED', `the gateway of process ${pid} ended before it answered`, {
          data: { fix: 'ask again: where clients are connected, another gateway takes over' },
        });
      case 'unreadable':
        throw unreadable(this.running);
      default:
        if (answer.isOk) return answer.value;
        throw new Fault(
          isErrorCode(answer.code) ? answer.code : 'GATEWAY_DEFECT',
          answer.message,
          answer.data === undefined ? {} : { data: answer.data },
        );
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#first?.on('error', () => undefined).destroy();
    return Promise.resolve();
  }
}

function unreadable(running?: OwnerFacts): Fault {
  const which = running?.version ?? 'another version';
  const detail = `the answer of the gateway cannot be read; it is of ${which}, this is ${VERSION}`;
  return new Fault('GATEWAY_OTHER_VERSION', detail);
}

/** What a gateway answered, as this version knows it. @throws Fault GATEWAY_OTHER_VERSION */
export function readAnswer<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): z.output<Schema> {
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  throw unreadable();
}

function socketIn(folder: string): string | undefined {
  try {
    return recordedSocket(folder);
  } catch (error) {
    throw new Fault('STATE_UNAVAILABLE', `cannot look into the state folder: ${messageOf(error)}`);
  }
}

function notRunning({ stateDir }: PlaceFlags, path: string | undefined): Fault {
  const where = stateDir === undefined ? '' : ` --state-dir ${shellWord(stateDir)}`;
  const config = path === undefined ? '' : ` --config ${shellWord(path)}`;
  const missing =
    path === undefined
      ? 'no gateway runs without a configuration file; --config FILE names one'
      : `no gateway runs for ${path}`;
  const fix = `AI clients start one, and so does: mcp-hangar serve --http${config}${where}`;
  const message = `${missing}${stateDir === undefined ? '' : ` in ${stateDir}`}`;
  return new Fault('GATEWAY_NOT_RUNNING', message, { data: { fix } });
}

const shellWord = (text: string): string =>
  /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
