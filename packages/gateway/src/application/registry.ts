/** Every command and query of the gateway. What is not here cannot be asked for; every surface is drawn from it. */
import { deleteContinuation } from './commands/delete-continuation.ts';
import { invokeBatch } from './commands/invoke-batch.ts';
import { invokeTool } from './commands/invoke-tool.ts';
import { invokeToolWithReport } from './commands/invoke-tool-with-report.ts';
import { reloadConfiguration } from './commands/reload-configuration.ts';
import { startMcpServer } from './commands/start-mcp-server.ts';
import { rebalanceGroup } from './commands/rebalance-group.ts';
import { stopMcpServer } from './commands/stop-mcp-server.ts';
import { triggerDiscovery } from './commands/trigger-discovery.ts';
import { warmMcpServers } from './commands/warm-mcp-servers.ts';
import { fetchContinuation } from './queries/fetch-continuation.ts';
import { getConfiguration } from './queries/get-configuration.ts';
import { getHealth } from './queries/get-health.ts';
import { getMcpServer } from './queries/get-mcp-server.ts';
import { getMcpServerTools } from './queries/get-mcp-server-tools.ts';
import { getStatus } from './queries/get-status.ts';
import { getServerLogs } from './queries/get-server-logs.ts';
import { listDiscoverySources } from './queries/list-discovery-sources.ts';
import { listGroups } from './queries/list-groups.ts';
import { listMcpServers } from './queries/list-mcp-servers.ts';
import { listProcesses } from './queries/list-processes.ts';
import { listParkedCalls } from './queries/list-parked-calls.ts';
import type { UseCase } from './use-case.ts';

export const REGISTRY = {
  delete_continuation: deleteContinuation,
  fetch_continuation: fetchContinuation,
  get_configuration: getConfiguration,
  get_health: getHealth,
  get_mcp_server: getMcpServer,
  get_mcp_server_tools: getMcpServerTools,
  get_server_logs: getServerLogs,
  get_status: getStatus,
  invoke_batch: invokeBatch,
  invoke_tool: invokeTool,
  invoke_tool_with_report: invokeToolWithReport,
  list_discovery_sources: listDiscoverySources,
  list_groups: listGroups,
  list_mcp_servers: listMcpServers,
  list_parked_calls: listParkedCalls,
  list_processes: listProcesses,
  rebalance_group: rebalanceGroup,
  reload_configuration: reloadConfiguration,
  start_mcp_server: startMcpServer,
  stop_mcp_server: stopMcpServer,
  trigger_discovery: triggerDiscovery,
  warm_mcp_servers: warmMcpServers,
} as const satisfies Record<string, UseCase>;
