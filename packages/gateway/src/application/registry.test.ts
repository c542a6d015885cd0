import { describe, expect, test } from 'vitest';
import { HANGAR_TOOLS, REGISTRY_TOOLS } from './gateway-tools/table.ts';
import { OPERATOR_ENTRIES } from './operator/table.ts';
import { REGISTRY } from './registry.ts';

const ALL = [...REGISTRY_TOOLS, ...HANGAR_TOOLS];

/** Which entry stands behind each tool, and who may use it: a change is seen by clients and by auditors. */
const PINS: Readonly<Record<string, readonly [entry: keyof typeof REGISTRY, permission: string]>> =
  {
    registry_list: ['list_mcp_servers', 'mcp_servers:read'],
    registry_start: ['start_mcp_server', 'mcp_servers:lifecycle'],
    registry_stop: ['stop_mcp_server', 'mcp_servers:lifecycle'],
    registry_tools: ['get_mcp_server_tools', 'mcp_servers:read'],
    registry_details: ['get_mcp_server', 'mcp_servers:read'],
    registry_health: ['get_health', 'mcp_servers:read'],
    registry_status: ['get_status', 'mcp_servers:read'],
    registry_warm: ['warm_mcp_servers', 'mcp_servers:lifecycle'],
    registry_discover: ['trigger_discovery', 'discovery:trigger'],
    registry_sources: ['list_discovery_sources', 'discovery:read'],
    registry_group_list: ['list_groups', 'mcp_servers:read'],
    registry_group_rebalance: ['rebalance_group', 'mcp_servers:lifecycle'],
    registry_invoke: ['invoke_tool', 'tool:invoke'],
    registry_invoke_ex: ['invoke_tool_with_report', 'tool:invoke'],
    registry_invoke_stream: ['invoke_tool_with_report', 'tool:invoke'],
    hangar_list: ['list_mcp_servers', 'mcp_servers:read'],
    hangar_start: ['start_mcp_server', 'mcp_servers:lifecycle'],
    hangar_stop: ['stop_mcp_server', 'mcp_servers:lifecycle'],
    hangar_tools: ['get_mcp_server_tools', 'mcp_servers:read'],
    hangar_details: ['get_mcp_server', 'mcp_servers:read'],
    hangar_health: ['get_health', 'mcp_servers:read'],
    hangar_status: ['get_status', 'mcp_servers:read'],
    hangar_warm: ['warm_mcp_servers', 'mcp_servers:lifecycle'],
    hangar_discover: ['trigger_discovery', 'discovery:trigger'],
    hangar_sources: ['list_discovery_sources', 'discovery:read'],
    hangar_group_list: ['list_groups', 'mcp_servers:read'],
    hangar_group_rebalance: ['rebalance_group', 'mcp_servers:lifecycle'],
    hangar_call: ['invoke_batch', 'tool:invoke'],
    hangar_fetch_continuation: ['fetch_continuation', 'tool:invoke'],
    hangar_delete_continuation: ['delete_continuation', 'tool:invoke'],
    hangar_reload_config: ['reload_configuration', 'config:reload'],
  };

/** What commands of an operator may ask over the local socket. */
const OPERATOR_PINS: Readonly<Record<string, string>> = {
  get_configuration: 'mcp_servers:read',
  reload_configuration: 'config:reload',
  list_groups: 'mcp_servers:read',
  list_parked_calls: 'audit:read',
  list_processes: 'audit:read',
  rebalance_group: 'mcp_servers:lifecycle',
  get_status: 'mcp_servers:read',
  get_mcp_server: 'mcp_servers:read',
  get_mcp_server_tools: 'mcp_servers:read',
  get_server_logs: 'mcp_servers:read',
  invoke_tool: 'tool:invoke',
  start_mcp_server: 'mcp_servers:lifecycle',
  stop_mcp_server: 'mcp_servers:lifecycle',
};

test('every entry is reached by a surface', () => {
  const surfaces = [...ALL, ...OPERATOR_ENTRIES.values()];
  const reached = new Set(surfaces.map(({ useCase }) => useCase.name));
  expect(Object.keys(REGISTRY).filter((name) => !reached.has(name))).toEqual([]);
});

test('every tool has its entry in the registry, and a permission', () => {
  expect(new Set(ALL.map(({ name }) => name)).size).toBe(ALL.length);
  expect(ALL.map(({ name }) => name)).toEqual(Object.keys(PINS));
  for (const { name, useCase } of ALL) {
    const [entry, permission] = PINS[name] ?? ['get_health', ''];
    expect(useCase).toBe(REGISTRY[entry]);
    expect(useCase.permission).toBe(permission);
  }
});

test('what an operator may ask stands under the name of its entry, with a permission', () => {
  const asked = [...OPERATOR_ENTRIES].map(([name, { useCase }]) => {
    expect(useCase).toBe(Object.entries(REGISTRY).find(([key]) => key === name)?.[1]);
    return [name, useCase.permission];
  });
  expect(Object.fromEntries(asked)).toEqual(OPERATOR_PINS);
});

describe.each(Object.entries(REGISTRY))('%s', (key, { name, kind, summary }) => {
  test('stands under its own name and says in one sentence what it does', () => {
    expect(name).toBe(key);
    expect(['command', 'query']).toContain(kind);
    expect(summary).toMatch(/^[A-Z][^.]*\.$/);
  });
});

describe.each(ALL.map((tool) => [tool.name, tool] as const))(
  '%s',
  (_name, { definition, words }) => {
    test('is described in the words of its family', () => {
      const { inputSchema, description } = definition;
      expect(inputSchema).toMatchObject({ type: 'object' });
      expect(String(description)).toMatch(/^[A-Z].*\.$/);
      const other = words.one === 'provider' ? '"mcp_server"' : '"provider"';
      expect(JSON.stringify(inputSchema)).not.toContain(other);
      expect(JSON.stringify(inputSchema)).not.toContain('mcpServer');
    });
  },
);
