/** Which test shows what of each command; `test/e2e/every-command.test.ts` checks that none is missing or made up. */

/** A file of `test/e2e` without `.test.ts`, and the title as it stands there. */
type Named = readonly [file: string, title: string];

export interface CommandTests {
  /** While a gateway runs for the configuration. */
  readonly running: Named;
  readonly alone: Named;
  /** What `--json` prints, member by member. */
  readonly json: Named | 'none';
  readonly badInput: Named;
}

const RUNNING = 'while-a-gateway-runs';
const EVERY = 'every-command';

const WRONG_WORDS: Named = [EVERY, 'says what is wrong with its words'];
const SETUP_WRONG: Named = ['connect-cli', 'in a configuration is told before anything is written'];
const REFUSED: Named = ['edit-refusals-cli', '%j says what and how to get it right'];
const EDITED: Named = [
  RUNNING,
  'add, remove, disable and enable name the gateway that keeps what it has read',
];
const ONLY_RUNNING: Named = ['operate-alone', '%j says how to start one'];
const OPERATE_WRONG: Named = ['operate-alone', '%j is answered with exit code 1 and what to do'];
const CHANGED: Named = ['operate-running', 'change what runs, and say how that went'];

export const COMMAND_TESTS: Readonly<Record<string, CommandTests>> = {
  serve: {
    running: [
      'one-gateway',
      'says that the running one has another configuration, and serves by itself',
    ],
    alone: [
      'stdio-manners',
      'carries both eras, bad lines and equal ids, and every line of it is protocol',
    ],
    json: 'none',
    badInput: ['command-line', '%j is told in one line, with the way to get it right'],
  },
  init: {
    running: [RUNNING, 'init names the gateway that does not know the new servers'],
    alone: ['setup-cli', 'becomes a configuration with every server once'],
    json: [RUNNING, 'init prints the members of a set-up, and of what is taken back'],
    badInput: SETUP_WRONG,
  },
  import: {
    running: [RUNNING, 'import names the gateway that does not know the new servers'],
    alone: [
      'connect-cli',
      'takes the servers of the clients that are named, and touches no client',
    ],
    json: ['connect-cli', 'prints with --json what is pinned here'],
    badInput: SETUP_WRONG,
  },
  connect: {
    running: [RUNNING, 'connect writes a client that joins the gateway'],
    alone: [
      'connect-cli',
      'writes a client, changes nothing the second time, and removes what it wrote',
    ],
    json: [RUNNING, 'connect prints the members of a set-up'],
    badInput: SETUP_WRONG,
  },
  add: {
    running: ['edit-cli', 'is named: it takes the file over by itself'],
    alone: ['edit-cli', 'is written as its command line says it, remote ones too'],
    json: EDITED,
    badInput: REFUSED,
  },
  remove: {
    running: EDITED,
    alone: ['edit-cli', 'are so in the file, and the gateway obeys'],
    json: EDITED,
    badInput: REFUSED,
  },
  enable: {
    running: EDITED,
    alone: ['edit-cli', 'are so in the file, and the gateway obeys'],
    json: EDITED,
    badInput: REFUSED,
  },
  disable: {
    running: EDITED,
    alone: ['edit-cli', 'are so in the file, and the gateway obeys'],
    json: ['edit-cli', 'prints one object; members are added, never renamed or removed'],
    badInput: REFUSED,
  },
  'config check': {
    running: [RUNNING, 'what only looks at files prints the same as without a gateway'],
    alone: ['config-cli', 'prints one object for a valid file, and the problems of another'],
    json: ['config-cli', 'prints one object for a valid file, and the problems of another'],
    badInput: ['config-cli', 'prints one object for a valid file, and the problems of another'],
  },
  'config show': {
    running: [RUNNING, 'what only looks at files prints the same as without a gateway'],
    alone: ['config-cli', 'prints every value with where it comes from, and no secret'],
    json: ['config-cli', 'prints one object; members are added, never renamed or removed'],
    badInput: ['config-cli', 'finds a block, a key and a server, and the one that was meant'],
  },
  'config schema': {
    running: [RUNNING, 'what only looks at files prints the same as without a gateway'],
    alone: ['config-cli', 'prints a JSON Schema in which every key is described'],
    json: ['config-cli', 'prints a JSON Schema in which every key is described'],
    badInput: WRONG_WORDS,
  },
  'config diff': {
    running: ['config-cli', 'says what the gateway that runs does not have yet'],
    alone: ['config-cli', 'tells two files apart by what they come to'],
    json: ['config-cli', 'tells two files apart by what they come to'],
    badInput: ['config-cli', 'of %j is refused with what to do'],
  },
  list: {
    running: ['operate-running', 'shows every configured server, and which gateway knows of it'],
    alone: ['operate-alone', 'list shows the configuration, and what is remembered'],
    json: ['operate-running', 'shows every configured server, and which gateway knows of it'],
    badInput: OPERATE_WRONG,
  },
  status: {
    running: ['operate-running', 'shows what each server does and what comes next'],
    alone: ['operate-alone', 'status shows the same, and its exit code is 3'],
    json: ['operate-running', 'prints the same as JSON'],
    badInput: OPERATE_WRONG,
  },
  tools: {
    running: [
      'operate-running',
      'lists names as call takes them, and what each takes of a context',
    ],
    alone: [
      'operate-alone',
      'call and tools open one for as long as they take, and leave nothing behind',
    ],
    json: [
      'operate-running',
      'has whole schemas as JSON, and says which servers could not be asked',
    ],
    badInput: OPERATE_WRONG,
  },
  call: {
    running: ['operate-call', 'is named by %j'],
    alone: [
      'operate-alone',
      'call and tools open one for as long as they take, and leave nothing behind',
    ],
    json: ['operate-call', 'is as the server wrote it with --json'],
    badInput: OPERATE_WRONG,
  },
  start: { running: CHANGED, alone: ONLY_RUNNING, json: CHANGED, badInput: OPERATE_WRONG },
  stop: {
    running: CHANGED,
    alone: ONLY_RUNNING,
    json: [RUNNING, 'stop prints what became of each server'],
    badInput: OPERATE_WRONG,
  },
  restart: { running: CHANGED, alone: ONLY_RUNNING, json: CHANGED, badInput: OPERATE_WRONG },
  logs: {
    running: ['operate-running', 'has what servers wrote to stderr, with time and process'],
    alone: ONLY_RUNNING,
    json: ['operate-running', 'has what servers wrote to stderr, with time and process'],
    badInput: OPERATE_WRONG,
  },
  reload: {
    running: ['reload', 'touches the servers that it changes, and no other'],
    alone: ONLY_RUNNING,
    json: ['reload', 'touches the servers that it changes, and no other'],
    badInput: WRONG_WORDS,
  },
  version: {
    running: ['operate-running', 'names the gateway that runs'],
    alone: ['operate-alone', 'version knows itself'],
    json: ['operate-running', 'names the gateway that runs'],
    badInput: WRONG_WORDS,
  },
  doctor: {
    running: ['doctor', 'is checked beside the gateway that runs, which does not notice'],
    alone: ['doctor', 'is described, and its report in JSON is pinned: scripts read it'],
    json: ['doctor', 'is described, and its report in JSON is pinned: scripts read it'],
    badInput: ['doctor', 'is told in JSON, too'],
  },
  events: {
    running: [RUNNING, 'events prints what it has recorded so far'],
    alone: ['records', 'finds a call by the correlation id that its caller gave'],
    json: [RUNNING, 'events prints what it has recorded so far'],
    badInput: [
      'records',
      'prints as many as its limit allows, and names the limit where more are wanted',
    ],
  },
  'events verify': {
    running: [RUNNING, 'events verify reads the log while it is written'],
    alone: [RUNNING, 'events verify knows a log that is not there, and one that is none'],
    json: [RUNNING, 'events verify reads the log while it is written'],
    badInput: WRONG_WORDS,
  },
  groups: {
    running: ['groups-cli', 'are listed with how their members do'],
    alone: ['groups-cli', 'Groups are missed with exit code 3 where none runs'],
    json: ['groups-cli', 'are listed with how their members do'],
    badInput: WRONG_WORDS,
  },
  rebalance: {
    running: ['groups-cli', 'are rebalanced, and what became of them is printed'],
    alone: ['groups-cli', 'Groups are missed with exit code 3 where none runs'],
    json: ['groups-cli', 'are rebalanced, and what became of them is printed'],
    badInput: ['groups-cli', 'that do not exist are told, with the one that was meant'],
  },
  'events compact': {
    running: [RUNNING, 'events compact removes what the configuration does not keep'],
    alone: ['storage', 'compact keeps what removed events said, and replay says the same'],
    json: [RUNNING, 'events compact removes what the configuration does not keep'],
    badInput: WRONG_WORDS,
  },
  'events replay': {
    running: [RUNNING, 'events replay says what the gateway says'],
    alone: ['storage', 'compact keeps what removed events said, and replay says the same'],
    json: [RUNNING, 'events replay says what the gateway says'],
    badInput: ['storage', 'replay names a server of which nothing is stored'],
  },
  'calls parked': {
    running: [
      'parked-calls-cli',
      'is listed with what it waits for, and no more once its client has answered',
    ],
    alone: [
      'parked-calls-cli',
      'is missed with exit code 3 and told how to be started, also after it was killed',
    ],
    json: [
      'parked-calls-cli',
      'is listed with what it waits for, and no more once its client has answered',
    ],
    badInput: ['parked-calls-cli', '%j is answered with exit code 1 and what to do'],
  },
  sagas: {
    running: ['sagas-cli', 'says what is tried again, why, and when'],
    alone: ['sagas-cli', 'is read from the log where no gateway runs'],
    json: ['sagas-cli', 'says what is tried again, why, and when'],
    badInput: ['sagas-cli', '%j is answered with exit code 1 and what to do'],
  },
  completion: {
    running: [RUNNING, 'what only looks at files prints the same as without a gateway'],
    alone: ['completion-cli', 'completes commands, and those of commands'],
    json: 'none',
    badInput: ['completion-cli', 'is refused for a shell that is not known'],
  },
};
