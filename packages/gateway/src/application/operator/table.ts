/** What an operator's commands may ask of the gateway that runs: which entry of the registry stands behind each name. */
import { REGISTRY } from '../registry.ts';
import { configurationReport } from './configuration-report.ts';
import {
  defineEntry,
  LOOK_MS_MAX,
  RELOAD_MS_MAX,
  WORK_MS_MAX,
  type OperatorEntry,
} from './entry.ts';
import { groupRow, groupsReport } from './groups-report.ts';
import { logsEntry } from './logs-entry.ts';
import { parkedCallsReport } from './parked-calls-report.ts';
import { processesReport } from './processes-report.ts';
import { reloadAnswer } from './reload-report.ts';
import { serverReport, serversReport } from './servers-report.ts';
import { toolCallEntry } from './tool-call-entry.ts';

const ENTRIES: readonly OperatorEntry[] = [
  defineEntry(REGISTRY.get_configuration, LOOK_MS_MAX, configurationReport),
  defineEntry(REGISTRY.reload_configuration, RELOAD_MS_MAX, reloadAnswer),
  defineEntry(REGISTRY.list_groups, LOOK_MS_MAX, groupsReport),
  defineEntry(REGISTRY.rebalance_group, LOOK_MS_MAX, groupRow),
  defineEntry(REGISTRY.list_parked_calls, LOOK_MS_MAX, parkedCallsReport),
  defineEntry(REGISTRY.list_processes, LOOK_MS_MAX, processesReport),
  defineEntry(REGISTRY.get_status, LOOK_MS_MAX, serversReport),
  defineEntry(REGISTRY.get_mcp_server, LOOK_MS_MAX, serverReport),
  // Both start a server where its tools are not known yet.
  defineEntry(
    REGISTRY.get_mcp_server_tools,
    WORK_MS_MAX,
    ({ id, state, arePredefined, tools }) => ({
      id,
      state,
      are_predefined: arePredefined,
      tools,
    }),
  ),
  defineEntry(REGISTRY.start_mcp_server, WORK_MS_MAX, ({ id, state, tools, group }) => ({
    id,
    state: group?.facts.state ?? state,
    tools: tools.length,
  })),
  defineEntry(REGISTRY.stop_mcp_server, WORK_MS_MAX, ({ id }) => ({ id })),
  toolCallEntry,
  logsEntry,
];

export const OPERATOR_ENTRIES: ReadonlyMap<string, OperatorEntry> = new Map(
  ENTRIES.map((entry) => [entry.useCase.name, entry]),
);
