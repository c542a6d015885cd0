/** Where events are kept, as it is: whether it is whole, answers, and lets this user write. Nothing is changed. */
import { accessSync, constants, existsSync, lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { verifyEventLog } from '@mcp-hangar/eventing/verify';
import type { Secret } from '@mcp-hangar/kernel/secret';
import type { StoreFacts } from '../../domain/doctor/installation-rules.ts';
import { reasonOf } from '../state/state-folder.ts';
import { whyNotMade } from './state-facts.ts';

/** A larger log is not read: that would hold up everything else. */
const LOG_BYTES_MAX = 134_217_728;

/** The database, asked within seconds. Rejects where its URL is none. */
export async function databaseFacts(place: {
  readonly url: Secret;
  readonly schema: string;
}): Promise<StoreFacts> {
  // The driver is loaded where a database is configured, and nowhere else.
  const { checkPostgres } = await import('@mcp-hangar/eventing/postgres-check');
  const { name, finding } = await checkPostgres(place);
  if (finding === undefined) return { kind: 'usable' };
  const { kind, problem } = finding;
  return kind === 'forbidden'
    ? { kind, name, problem, fix: finding.grant }
    : { kind, name, problem };
}

/** @param isNamed the configuration says where it is; else the state folder has it, and is looked at by itself */
export function logFacts(path: string, isNamed: boolean): StoreFacts {
  const problem = isNamed ? refusalOf(path) : undefined;
  if (problem !== undefined) {
    const fix = 'correct that, or name another folder under persistence.sqlite.data_dir';
    return { kind: 'forbidden', name: path, problem, fix };
  }
  try {
    const { size } = lstatSync(path);
    if (size > LOG_BYTES_MAX) return { kind: 'unchecked', path, bytes: size };
  } catch {
    return { kind: 'none' }; // nothing was recorded yet
  }
  const { findings, eventsCount } = verifyEventLog(path);
  if (findings.length === 0) return { kind: 'whole', events: eventsCount };
  return { kind: 'damaged', path, problems: findings.map(({ message }) => message) };
}

/** Why the file cannot be written, or made where it is not there. */
function refusalOf(path: string): string | undefined {
  try {
    if (existsSync(path)) accessSync(path, constants.R_OK | constants.W_OK);
    return whyNotMade(dirname(path));
  } catch (error) {
    return reasonOf(error);
  }
}
