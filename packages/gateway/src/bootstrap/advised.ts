import { Fault } from '@mcp-hangar/kernel/errors';

/** With what the gateway knows about a way out as the fix. */
export function advised(fault: Fault): Fault {
  const { code, message, data = {} } = fault;
  if (data['fix'] !== undefined) return fault;
  const { meant, name } = data;
  if (code === 'MCP_SERVER_DISABLED' && typeof name === 'string')
    return new Fault(code, message, { data: { ...data, fix: `mcp-hangar enable ${name}` } });
  if (code === 'MCP_SERVER_BACKING_OFF' && typeof name === 'string')
    return new Fault(code, message, { data: { ...data, fix: `mcp-hangar start ${name}` } });
  const list = code === 'TOOL_UNKNOWN' ? 'mcp-hangar tools' : 'mcp-hangar list';
  if (code !== 'TOOL_UNKNOWN' && code !== 'MCP_SERVER_UNKNOWN') return fault;
  const hint = typeof meant === 'string' ? `did you mean "${meant}"? ` : '';
  return new Fault(code, message, {
    data: { ...data, fix: `${hint}all are shown by: ${list}` },
  });
}
