/** `mcp-hangar doctor` as a process in a home. */
import { execFile } from 'node:child_process';
import { COMMAND, environment } from './gateway.ts';
import type { Household } from './household.ts';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Finding {
  readonly id: string;
  readonly level: string;
  readonly message: string;
  readonly risk: string;
  readonly fix: string | null;
}

export interface DoctorReport {
  readonly as_of: string;
  readonly version: string;
  readonly installation: Readonly<Record<string, unknown>> & {
    readonly findings: readonly Finding[];
  };
  readonly mcp_servers: readonly (Readonly<Record<string, unknown>> & {
    readonly id: string;
    readonly verdict: string;
    readonly findings: readonly Finding[];
  })[];
  readonly summary: Readonly<Record<string, number>>;
}

const RUN_MS_MAX = 50_000;

/** Runs a command line in the home. */
export function hangar(
  house: Household,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = {
      env: { ...environment(house.folder), ...env },
      cwd: house.folder,
      timeout: RUN_MS_MAX,
      maxBuffer: 16_777_216,
    };
    const child = execFile(process.execPath, [COMMAND, ...args], options, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

/** Runs doctor with the configuration of the home; the report is there with `--json`. */
export async function doctor(
  house: Household,
  ...args: readonly string[]
): Promise<Outcome & { readonly report: DoctorReport }> {
  const outcome = await hangar(house, ['doctor', ...args, '--config', house.file]);
  const isReport = args.includes('--json') && outcome.stdout.startsWith('{');
  // Pinned in doctor.test.ts.
  const report = (isReport ? JSON.parse(outcome.stdout) : {}) as DoctorReport;
  return { ...outcome, report };
}
