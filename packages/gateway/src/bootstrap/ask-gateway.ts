/** Asks the gateway that runs for a configuration, over the local socket in its state folder. */
import { messageOf } from '@mcp-hangar/kernel/error-text';
import { ERRORS } from '@mcp-hangar/kernel/errors';
import type { Refusal } from '../domain/local-socket/greeting.ts';
import type { Question } from '../domain/local-socket/query.ts';
import { askOwner, callOwner } from '../infrastructure/state/owner-link.ts';
import { recordedSocket } from '../infrastructure/state/socket-path.ts';
import type { PlaceFlags } from '../server/cli/program.ts';
import { readConfigText } from './config/read-config-text.ts';
import { findConfig } from './find-config.ts';
import { NOT_RUNNING, reportProblems, say, SYSTEM_ERROR, USER_ERROR } from './say.ts';
import { chooseState } from './start.ts';

interface Coded {
  readonly code: number;
}

const OTHER_VERSION = 'the gateway that runs is of another version; it is replaced once it ends';
const REFUSED: Readonly<Record<Refusal, readonly [code: number, why: string]>> = {
  stopping: [NOT_RUNNING, 'the gateway of this configuration is stopping'],
  'other-version': [SYSTEM_ERROR, OTHER_VERSION],
  // One of this version refuses neither.
  'other-configuration': [SYSTEM_ERROR, OTHER_VERSION],
  'unknown-want': [SYSTEM_ERROR, OTHER_VERSION],
};

/** Where there is no answer, why not is said and the exit code answered. */
export async function askGateway(
  flags: PlaceFlags,
  question: Question,
): Promise<{ readonly value: unknown } | Coded> {
  const located = findConfig(flags.config);
  if ('code' in located) return located;
  const { path } = located;
  const text = path === undefined ? undefined : await readConfigText(path);
  if (text?.ok === false) return { code: reportProblems([text.error]) };
  const state = chooseState(flags, { ...located, text: text?.value });
  if (state.kind === 'none') return failed(USER_ERROR, `there is no state folder: ${state.reason}`);
  const socketPath = socketIn(state.folder);
  if (typeof socketPath === 'object') return socketPath;
  const found =
    socketPath === undefined
      ? ({ kind: 'absent' } as const)
      : await callOwner(socketPath, 'query', state.digest);
  switch (found.kind) {
    case 'absent':
      return notRunning(flags, path);
    case 'silent':
      return failed(SYSTEM_ERROR, 'the gateway of this configuration does not answer');
    case 'refused':
      return failed(...REFUSED[found.reason]);
    case 'linked': {
      const answer = await askOwner(found.socket, question);
      if (answer?.isOk === true) return { value: answer.value };
      const { pid } = found.facts;
      return answer === undefined
        ? failed(SYSTEM_ERROR, `the gateway of process ${pid} gave no answer in time`)
        : failed(codeOf(answer.code), answer.message);
    }
  }
}

function socketIn(folder: string): string | undefined | Coded {
  try {
    return recordedSocket(folder);
  } catch (error) {
    return failed(SYSTEM_ERROR, `cannot look into the state folder: ${messageOf(error)}`);
  }
}

/** What the user got wrong is told apart from what the gateway could not do. */
const codeOf = (code: string): number =>
  Object.entries(ERRORS).some(([known, { http }]) => known === code && http < 500)
    ? USER_ERROR
    : SYSTEM_ERROR;

function notRunning({ stateDir }: PlaceFlags, path: string | undefined): Coded {
  const where = stateDir === undefined ? '' : ` --state-dir ${shellWord(stateDir)}`;
  const config = path === undefined ? '' : ` --config ${shellWord(path)}`;
  const missing =
    path === undefined
      ? 'no gateway runs without a configuration file; --config FILE names one'
      : `no gateway runs for ${path}`;
  say(`mcp-hangar: ${missing}${stateDir === undefined ? '' : ` in ${stateDir}`}`);
  say(`  AI clients start one, and so does: mcp-hangar serve --http${config}${where}`);
  return { code: NOT_RUNNING };
}

const shellWord = (text: string): string =>
  /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

function failed(code: number, why: string): Coded {
  say(`mcp-hangar: ${why}`);
  return { code };
}
