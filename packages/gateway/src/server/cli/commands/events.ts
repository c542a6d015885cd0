import type { Command } from 'commander';
import type { CommandGroup, JsonFlag, PlaceFlags } from './group.ts';

export interface EventsFlags extends PlaceFlags, JsonFlag {
  readonly follow?: boolean;
  readonly server?: string;
  readonly type?: string;
  readonly since?: string;
  readonly limit?: string;
}

export interface CompactFlags extends PlaceFlags, JsonFlag {
  readonly dryRun?: boolean;
}

export interface ReplayFlags extends PlaceFlags, JsonFlag {
  readonly server?: string;
}

export interface EventsActions {
  events(flags: EventsFlags): Promise<number>;
  eventsVerify(flags: PlaceFlags & JsonFlag): Promise<number>;
  eventsCompact(flags: CompactFlags): Promise<number>;
  eventsReplay(flags: ReplayFlags): Promise<number>;
}

const EVENTS_EXAMPLES = `
Examples:
  $ mcp-hangar events --server github --since 1h
  $ mcp-hangar events --type ToolInvocationFailed,McpServerDegraded --follow
  $ mcp-hangar events --json --limit 1000 | jq .data`;

const VERIFY_EXAMPLES = `
Exit codes:
  0 whole, or nothing was recorded yet    1 it is not whole, or asked wrongly
  2 it cannot be read

Examples:
  $ mcp-hangar events verify
  $ mcp-hangar events verify --json | jq -r '.findings[].message'`;

const COMPACT_EXAMPLES = `
What goes is older than event_store.keep_days or beyond keep_events_max. The
newest event of each stream stays, and what the others said of servers.

Examples:
  $ mcp-hangar events compact --dry-run
  $ mcp-hangar events compact --json | jq .removed`;

const REPLAY_EXAMPLES = `
Exit codes:
  0 the log says the same    1 it says something else, or asked wrongly
  2 it cannot be read

Examples:
  $ mcp-hangar events replay
  $ mcp-hangar events replay --server github --json`;

/** `events …`: the log of what servers did and what was called. */
export const eventCommands: CommandGroup<EventsActions> = (program, actions, done) => {
  const events = program
    .command('events')
    .description('print the event log: what servers did and what was called, the newest last')
    .option('-f, --follow', 'print what comes, too, until you end it')
    .option('--json', 'print one JSON object a line')
    .option('--server <id>', 'only of this MCP server')
    .option('--type <types>', 'only of these types, separated by commas')
    .option(
      '--since <time>',
      'only from then on: 90s, 10m, 2h, 3d, or a date like 2026-11-21T08:00',
    )
    .option('-n, --limit <count>', 'how many of those that are stored, at most (default: 50)')
    .addHelpText('after', EVENTS_EXAMPLES)
    .action(async (_flags: unknown, command: Command) => {
      done(await actions.events(command.optsWithGlobals<EventsFlags>()));
    });
  events
    .command('verify')
    .description('check that the log is whole: exit code 0 it is, 1 it is not, 2 it cannot be read')
    .option('--json', 'print one JSON object')
    .addHelpText('after', VERIFY_EXAMPLES)
    .action(async (_flags: unknown, command: Command) => {
      done(await actions.eventsVerify(command.optsWithGlobals<PlaceFlags & JsonFlag>()));
    });
  events
    .command('compact')
    .description(
      'remove the events that the configuration does not keep, also while a gateway runs',
    )
    .option('--dry-run', 'only say how many would go')
    .option('--json', 'print one JSON object')
    .addHelpText('after', COMPACT_EXAMPLES)
    .action(async (_flags: unknown, command: Command) => {
      done(await actions.eventsCompact(command.optsWithGlobals<CompactFlags>()));
    });
  events
    .command('replay')
    .description('rebuild the state of each server from its events, and compare it')
    .option('--json', 'print one JSON object')
    .option('--server <id>', 'only of this MCP server')
    .addHelpText('after', REPLAY_EXAMPLES)
    .action(async (_flags: unknown, command: Command) => {
      done(await actions.eventsReplay(command.optsWithGlobals<ReplayFlags>()));
    });
};
