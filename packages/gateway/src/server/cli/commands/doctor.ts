import type { Command } from 'commander';
import type { CommandGroup, JsonFlag, PlaceFlags } from './group.ts';

export interface DoctorFlags extends PlaceFlags, JsonFlag {
  readonly call?: string;
  readonly arguments?: string;
  readonly timeout?: string;
}

export interface DoctorActions {
  doctor(servers: readonly string[], flags: DoctorFlags): Promise<number>;
}

const DOCTOR_EXAMPLES = `
Each server is started beside the gateway, asked what it offers, and ended. No
tool is called without --call.

Exit codes:
  0 nothing is wrong, or warnings only    1 something is, or asked wrongly
  2 it could not run                      130 interrupted

Examples:
  $ mcp-hangar doctor
  $ mcp-hangar doctor github files --config config.yaml
  $ mcp-hangar doctor files --call list_directory --arguments '{"path":"."}'
  $ mcp-hangar doctor --json | jq '.mcp_servers[] | select(.verdict=="error") | .findings'`;

/** `doctor`: what is wrong, what it puts at risk, and what to type. */
export const doctorCommands: CommandGroup<DoctorActions> = (program, actions, done) => {
  program
    .command('doctor')
    .argument('[server...]', 'the MCP servers to check (default: all)')
    .description('check the installation and each MCP server: what is wrong, and what to do')
    .option('--json', 'print one JSON object')
    .option('--call <tool>', 'with one server: call this tool of it once')
    .option('--arguments <json>', 'with --call: its arguments, a JSON object (default: {})')
    .option(
      '--timeout <seconds>',
      'how long a server may take to start, at most (default: its startup_timeout_s)',
    )
    .addHelpText('after', DOCTOR_EXAMPLES)
    .action(async (servers: readonly string[], _flags: unknown, command: Command) => {
      done(await actions.doctor(servers, command.optsWithGlobals<DoctorFlags>()));
    });
};
