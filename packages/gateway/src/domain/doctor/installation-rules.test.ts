import { expect, test } from 'vitest';
import { judgeInstallation, type InstallationFacts } from './installation-rules.ts';

const WELL: InstallationFacts = {
  config: {
    path: '/home/you/config.yaml',
    chosenBy: '--config',
    problems: [],
    notices: [],
    othersMayWrite: false,
  },
  state: {
    folder: '/home/you/state',
    problem: undefined,
    othersMayLook: false,
    freeBytes: 1e12,
  },
  store: { kind: 'whole', events: 3 },
  gateway: { kind: 'running', pid: 7 },
  port: { port: 8_000, heldBy: undefined },
  nodeVersion: '24.21.0',
  keepsCompiledCode: true,
};
const problem = { message: 'config.yaml:1:1: no', fix: 'mend it' };
const log = { kind: 'damaged', path: '/l', problems: ['gap'] } as const;

test.each<[string, Partial<InstallationFacts>, readonly string[]]>([
  ['nothing', {}, []],
  ['no file', { config: { ...WELL.config, path: undefined } }, ['config_missing']],
  ['problems', { config: { ...WELL.config, problems: [problem] } }, ['config_invalid']],
  [
    'very many problems',
    { config: { ...WELL.config, problems: Array.from({ length: 30 }, () => problem) } },
    Array.from({ length: 21 }, () => 'config_invalid'),
  ],
  [
    'what others may, and what is not obeyed',
    { config: { ...WELL.config, othersMayWrite: true, notices: ['x'] } },
    ['config_writable', 'config_notice'],
  ],
  ['no state', { state: { ...WELL.state, problem: 'it is a link' } }, ['state_unusable']],
  [
    'a state that others see, without room, damaged',
    { state: { ...WELL.state, othersMayLook: true, freeBytes: 5 }, store: log },
    ['event_log_damaged', 'state_open', 'disk_low'],
  ],
  [
    'a large log',
    { store: { kind: 'unchecked', path: '/l', bytes: 1e9 } },
    ['event_log_unchecked'],
  ],
  [
    'a database that does not answer',
    { store: { kind: 'unreachable', name: 'h:1/d', problem: 'refused' } },
    ['event_store_unreachable'],
  ],
  [
    'a database of a later version, and no state folder',
    {
      state: { ...WELL.state, problem: 'it is a link' },
      store: { kind: 'unusable', name: 'h:1/d', problem: 'version 9' },
    },
    ['state_unusable', 'event_store_unusable'],
  ],
  [
    'a store without rights',
    { store: { kind: 'forbidden', name: 'h:1/d', problem: 'may not', fix: 'grant' } },
    ['event_store_forbidden'],
  ],
  ['no gateway', { gateway: { kind: 'absent' } }, []],
  ['a silent gateway', { gateway: { kind: 'silent' } }, ['gateway_silent']],
  ['another version', { gateway: { kind: 'other-version' } }, ['gateway_other_version']],
  [
    'another configuration',
    { gateway: { kind: 'other-configuration' } },
    ['gateway_other_configuration'],
  ],
  ['a port', { port: { port: 8_000, heldBy: 'process 3 (x)' } }, ['port_taken_http']],
  ['no cache', { keepsCompiledCode: false }, ['compile_cache_off']],
])('%s', (_, facts, ids) => {
  const findings = judgeInstallation({ ...WELL, ...facts });
  expect(findings.map(({ id }) => id)).toEqual(ids);
});
