/**
 * The process: arguments and exit code. Everything else is loaded when it is known what is to be done: a bridge to a
 * running gateway never loads a gateway.
 */
import { runCli } from '../server/cli/program.ts';
import { userPath } from './user-path.ts';
import { VERSION } from './version.ts';

const LAST_LINES_MS = 1_000;

/** Runs one command line. Resolves with the exit code when the command is done. */
export async function run(argv: readonly string[]): Promise<number> {
  const path = userPath(process.env['PATH'], process.execPath);
  if (path !== undefined) process.env['PATH'] = path;
  process.stderr.on('error', () => undefined); // whoever read our log is gone; that is no reason to end
  let unwritten: Error | undefined;
  process.stdout.on('error', (error) => (unwritten ??= error)); // who goes on printing listens too
  const code = await runCli(argv, {
    version: VERSION,
    failed: async (error, isJson) => (await import('./outcome.ts')).tellFailure(error, isJson),
    serve: async (flags) => (await import('./serve.ts')).serve(flags),
    init: async (flags) => (await import('./commands/init.ts')).init(flags),
    importServers: async (clients, flags) =>
      (await import('./commands/import.ts')).importServers(clients, flags),
    connect: async (client, flags) =>
      (await import('./commands/connect.ts')).connect(client, flags),
    print: async (text) => (await import('./say.ts')).print(text),
    completing: {
      servers: async (config) =>
        (await import('./commands/completion.ts')).configuredServers(config),
    },
    completion: async (shell) => (await import('./commands/completion.ts')).completion(shell),
    add: async (id, target, flags) =>
      (await import('./commands/edit-servers.ts')).add(id, target, flags),
    remove: async (ids, flags) => (await import('./commands/edit-servers.ts')).remove(ids, flags),
    enable: async (ids, enabled, flags) =>
      (await import('./commands/edit-servers.ts')).enable(ids, enabled, flags),
    configCheck: async (file, flags) =>
      (await import('./commands/config-check.ts')).configCheck(file, flags),
    doctor: async (servers, flags) => (await import('./commands/doctor.ts')).doctor(servers, flags),
    configShow: async (key, flags) =>
      (await import('./commands/config-show.ts')).configShow(key, flags),
    configSchema: async () => (await import('./commands/config-show.ts')).configSchema(),
    configDiff: async (files, flags) =>
      (await import('./commands/config-diff.ts')).configDiff(files, flags),
    events: async (flags) => (await import('./commands/events.ts')).events(flags),
    eventsVerify: async (flags) => (await import('./commands/events.ts')).eventsVerify(flags),
    eventsCompact: async (flags) =>
      (await import('./commands/events-compact.ts')).eventsCompact(flags),
    eventsReplay: async (flags) =>
      (await import('./commands/events-replay.ts')).eventsReplay(flags),
    operate: async (name, words, flags) =>
      (await import('./commands/operate.ts')).operate(name, words, flags),
    sagas: async (flags) => (await import('./commands/sagas.ts')).sagas(flags),
    groups: async (flags) => (await import('./commands/groups.ts')).groups(flags),
    rebalance: async (group, flags) =>
      (await import('./commands/groups.ts')).rebalance(group, flags),
    parkedCalls: async (flags) => (await import('./commands/parked-calls.ts')).parkedCalls(flags),
  });
  // A reader of our log that does not read must not keep us: what is left to write has this long.
  const ending = code === 0 && unwritten !== undefined ? await endOf(unwritten) : code;
  setTimeout(() => process.exit(ending), LAST_LINES_MS).unref();
  return ending;
}

/** What was asked for was not written. A reader that has read enough is no failure. */
async function endOf(error: NodeJS.ErrnoException): Promise<number> {
  if (error.code === 'EPIPE' || error.code === 'ECONNRESET') return 0;
  const { Fault } = await import('@mcp-hangar/kernel/errors');
  const detail = `cannot write to stdout: ${error.message}`;
  const fix = 'check where the output goes, and the space that is left there';
  const { tellFailure } = await import('./outcome.ts');
  return tellFailure(new Fault('FILE_NOT_WRITTEN', detail, { data: { fix } }), false);
}
