/** The program behind a command, and which version of what it is. */
import { execFile } from 'node:child_process';
import { basename } from 'node:path';
import type { CommandFacts } from '../../domain/doctor/server-check.ts';
import type { StdioLaunch } from '../../domain/mcp-server/spec.ts';
import { childEnvironment } from '../launcher/child-environment.ts';
import { nodeFor } from '../launcher/npm-package.ts';
import { resolveCommand } from '../launcher/resolve-command.ts';

/** A runtime that does not say its version within this is of none. */
const VERSION_MS_MAX = 5_000;
const OUTPUT_BYTES_MAX = 65_536;
const RUNTIME =
  /^(node|npx|npm|uvx|uv|python[\d.]*|docker|podman|nerdctl|bunx?|deno|ruby|java|go|dotnet|php)(?:\.exe)?$/i;
const WITH_DAEMON: ReadonlySet<string> = new Set(['docker', 'nerdctl']);

interface Environment {
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Undefined where the command leads to nothing: its start says why. Never rejects. */
export async function commandFacts(
  launch: StdioLaunch,
  { env: own }: Environment,
): Promise<CommandFacts | undefined> {
  const context = { env: childEnvironment(own, launch.env), cwd: launch.cwd };
  const { file, via } = await resolveCommand(launch, context);
  if (basename(file) === file) return undefined;
  const runtime = RUNTIME.exec(basename(file))?.[1]?.toLowerCase();
  const isNpx = runtime === 'npx' || runtime === 'npm';
  const ask = (program: string, args: readonly string[]): Promise<string | undefined> =>
    outputOf(program, args, context);
  const [version, server] = await Promise.all([
    runtime === undefined
      ? undefined
      : ask(isNpx ? await nodeFor(context) : file, runtime === 'go' ? ['version'] : ['--version']),
    runtime !== undefined && WITH_DAEMON.has(runtime)
      ? ask(file, ['info', '--format', '{{.ServerVersion}}'])
      : undefined,
  ]);
  const hasDaemon = runtime !== undefined && WITH_DAEMON.has(runtime);
  return {
    configured: launch.command,
    file,
    via,
    runtime,
    runtimeVersion: /\d+\.\d+[\w.+-]*/.exec(version ?? '')?.[0],
    daemon: hasDaemon ? (/\d/.test(server ?? '') ? 'answers' : 'silent') : undefined,
  };
}

/** What a program prints; undefined where it fails or takes too long. */
function outputOf(
  file: string,
  args: readonly string[],
  { env, cwd }: { readonly env: Record<string, string>; readonly cwd: string | undefined },
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = {
      env,
      cwd,
      timeout: VERSION_MS_MAX,
      killSignal: 'SIGKILL',
      maxBuffer: OUTPUT_BYTES_MAX,
      windowsHide: true,
    } as const;
    try {
      execFile(file, args, options, (error, stdout, stderr) =>
        resolve(error === null ? `${stdout}\n${stderr}` : undefined),
      ).stdin?.end();
    } catch {
      resolve(undefined); // no program at all: its start says why
    }
  });
}
