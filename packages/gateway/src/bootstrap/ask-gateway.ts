/** Asks the gateway that runs for a configuration, over the local socket in its state folder. */
import { messageOf } from '@mcp-hangar/kernel/error-text';
import { Fault, isErrorCode, type ErrorCode } from '@mcp-hangar/kernel/errors';
import type { z } from 'zod';
import type { Refusal } from '../domain/local-socket/greeting.ts';
import type { Question } from '../domain/local-socket/query.ts';
import { askOwner, callOwner } from '../infrastructure/state/owner-link.ts';
import { recordedSocket } from '../infrastructure/state/socket-path.ts';
import type { PlaceFlags } from '../server/cli/commands/group.ts';
import { findConfigText } from './find-config.ts';
import { stateFolder } from './start.ts';

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

/** @throws Fault where there is no answer: GATEWAY_NOT_RUNNING, what keeps us from asking, or what the gateway said */
export async function askGateway(flags: PlaceFlags, question: Question): Promise<unknown> {
  const config = await findConfigText(flags.config);
  const state = stateFolder(flags, config);
  const socketPath = socketIn(state.folder);
  const found =
    socketPath === undefined
      ? ({ kind: 'absent' } as const)
      : await callOwner(socketPath, 'query', state.digest);
  switch (found.kind) {
    case 'absent':
      throw notRunning(flags, config.path);
    case 'silent':
      throw new Fault('GATEWAY_SILENT', 'the gateway of this configuration does not answer');
    case 'refused':
      throw new Fault(...REFUSED[found.reason]);
    case 'linked': {
      const answer = await askOwner(found.socket, question);
      if (answer?.isOk === true) return answer.value;
      const { pid } = found.facts;
      if (answer === undefined)
        throw new Fault('GATEWAY_SILENT', `the gateway of process ${pid} gave no answer in time`);
      throw new Fault(isErrorCode(answer.code) ? answer.code : 'GATEWAY_DEFECT', answer.message);
    }
  }
}

/** What a gateway answered, as this version knows it. @throws Fault GATEWAY_OTHER_VERSION */
export function readAnswer<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): z.output<Schema> {
  const read = schema.safeParse(value);
  if (read.success) return read.data;
  const message = 'the answer of the gateway cannot be read; it is of another version';
  throw new Fault('GATEWAY_OTHER_VERSION', message);
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
