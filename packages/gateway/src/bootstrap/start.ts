/** What one `serve` was asked to do, and where its place is. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Fault } from '@mcp-hangar/kernel/errors';
import type { Want } from '../domain/local-socket/greeting.ts';
import { findPlace, type Place } from '../infrastructure/state/place.ts';
import type { ServeFlags } from '../server/cli/commands/serve.ts';
import { configDigest, configId, defaultStateFolder, shortFoldersOf } from './config-identity.ts';
import { findConfigText, type FoundConfig } from './find-config.ts';

/** Which state folder a process is to use, before anybody has looked at it. */
export type StateChoice =
  | {
      readonly kind: 'folder';
      readonly folder: string;
      readonly digest: string;
      readonly isExplicit: boolean;
    }
  | { readonly kind: 'none'; readonly reason: string };

/** What one `serve` was asked to do. */
export interface Start {
  readonly flags: ServeFlags;
  /** The text is kept: who takes over from another gateway serves what was agreed on with it. */
  readonly config: FoundConfig;
  readonly state: StateChoice;
  /** For a command: what a gateway says as it begins is not what was asked for. */
  readonly isQuiet?: boolean;
}

/** What a command line says over the file. */
export function overridesOf(flags: ServeFlags): Readonly<Record<string, string | boolean>> {
  return {
    ...(flags.host === undefined ? {} : { host: flags.host }),
    ...(flags.port === undefined ? {} : { port: flags.port }),
    ...(flags.logLevel === undefined ? {} : { logLevel: flags.logLevel }),
    ...(flags.jsonLogs === undefined ? {} : { jsonLogs: flags.jsonLogs }),
  };
}

/** Which folder the flags and the environment ask for. */
export function chooseState(
  flags: ServeFlags,
  { path, text, envFile }: Start['config'],
): StateChoice {
  if (flags.standalone === true) return { kind: 'none', reason: 'standalone' };
  try {
    if (path !== undefined && !statSync(path).isFile())
      return { kind: 'none', reason: 'the configuration is not a regular file' };
    const digest = configDigest(text, path, { ...envFile.variables, ...process.env });
    if (flags.stateDir !== undefined)
      return { kind: 'folder', folder: resolve(flags.stateDir), digest, isExplicit: true };
    const folder = defaultStateFolder(configId(path), process.env);
    if (folder === undefined) return { kind: 'none', reason: 'there is no home folder' };
    return { kind: 'folder', folder, digest, isExplicit: false };
  } catch {
    return { kind: 'none', reason: 'the configuration is gone' }; // read a moment ago
  }
}

/** The folder that a command looks into. @throws Fault STATE_UNAVAILABLE */
export function stateFolder(
  flags: ServeFlags,
  config: Start['config'],
): Extract<StateChoice, { kind: 'folder' }> {
  const state = chooseState(flags, config);
  if (state.kind === 'folder') return state;
  throw new Fault('STATE_UNAVAILABLE', `there is no state folder: ${state.reason}`);
}

export interface Sought {
  readonly start: Start;
  readonly place: Place;
}

/**
 * The same once more, after a gateway has ended: the next one has read the file as it is now. One that has kept what it
 * had read, because the file is wrong now, is known by what we had read ourselves. Never rejects.
 */
export async function seekAgain(start: Start, want: Want, signal: AbortSignal): Promise<Sought> {
  const fresh = await readAgain(start);
  const place = await seekPlace(fresh.state, want, signal);
  const isOther = fresh.config.text !== start.config.text;
  if (place.kind !== 'alone' || !isOther || signal.aborted) return { start: fresh, place };
  return { start, place: await seekPlace(start.state, want, signal) };
}

async function readAgain(start: Start): Promise<Start> {
  const { path, chosenBy } = start.config;
  if (path === undefined || start.state.kind === 'none') return start;
  try {
    const config = { ...(await findConfigText(path)), chosenBy };
    return { ...start, config, state: chooseState(start.flags, config) };
  } catch {
    return start; // it is gone, or is being written
  }
}

/** Looks for the owner of the state folder, or becomes it. Never rejects. */
export async function seekPlace(
  state: StateChoice,
  want: Want,
  signal?: AbortSignal,
): Promise<Place> {
  if (state.kind === 'none') return { kind: 'alone', reason: state.reason };
  return findPlace({
    folder: state.folder,
    shortFolders: shortFoldersOf(process.env),
    want,
    digest: state.digest,
    random: Math.random,
    signal,
  });
}
