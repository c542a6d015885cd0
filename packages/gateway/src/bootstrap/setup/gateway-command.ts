/** How a client starts this gateway, also one that has no shell around it. */
import { join, dirname } from 'node:path';
import type { ClientSpec, GatewayCommand } from '../../domain/setup/client-table.ts';
import { pathForDesktop, type Runtime } from '../../infrastructure/setup/runtimes.ts';
import { VERSION } from '../version.ts';

interface GatewayPlace {
  readonly configPath: string;
  readonly stateDir: string | undefined;
  readonly runtimes: readonly Runtime[];
}

/** Absolute paths: the PATH of a program of the desktop is another than that of a shell. */
export function gatewayCommand(client: ClientSpec, place: GatewayPlace): GatewayCommand {
  const script = process.argv[1] ?? 'mcp-hangar';
  const state = place.stateDir === undefined ? [] : ['--state-dir', place.stateDir];
  const args = ['--config', place.configPath, ...state];
  const path = pathForDesktop(place.runtimes, process.env, process.platform);
  const env = client.isDesktopApp && path !== undefined ? { PATH: path } : undefined;
  // What npx has fetched for one run may be gone for the next.
  if (!/[\\/]_npx[\\/]/.test(script))
    return { command: process.execPath, args: [script, ...args], env };
  const npx = join(dirname(process.execPath), process.platform === 'win32' ? 'npx.cmd' : 'npx');
  return { command: npx, args: ['-y', `mcp-hangar@${VERSION}`, ...args], env };
}

/** The configuration that an entry of this gateway names. */
export function configOfEntry(entry: unknown): string | undefined {
  const args: unknown =
    typeof entry === 'object' && entry !== null && 'args' in entry ? entry.args : undefined;
  if (!Array.isArray(args)) return undefined;
  const at = args.findIndex((arg) => arg === '--config' || arg === '-c');
  const value: unknown = at === -1 ? undefined : args[at + 1];
  return typeof value === 'string' ? value : undefined;
}
