/** What a person reads after `npm start`: where the gateway is, how to connect to it, one thing to try. */

export interface GuideFacts {
  readonly url: string;
  readonly servers: readonly string[];
  /** A tool that can be tried without arguments to think about, as `[public name, key=value]`. */
  readonly example: { readonly tool: string; readonly argument: string } | undefined;
  /** The gateway's own tool that shows how all servers do; undefined where it is not offered. */
  readonly statusTool: string | undefined;
}

export function guide({ url, servers, example, statusTool }: GuideFacts): string {
  const remote = JSON.stringify({ mcpServers: { hangar: { url } } });
  const vscode = JSON.stringify({ servers: { hangar: { type: 'http', url } } });
  const desktop = JSON.stringify({
    mcpServers: { hangar: { command: 'npx', args: ['-y', 'mcp-remote', url] } },
  });
  const inspect = `npx @modelcontextprotocol/inspector --cli ${url} --transport http --method`;
  const call =
    example === undefined
      ? `${inspect} tools/list`
      : `${inspect} tools/call --tool-name ${example.tool} --tool-arg ${example.argument}`;
  const status =
    statusTool === undefined
      ? ''
      : `
  See how the servers do:
    ${inspect} tools/call --tool-name ${statusTool}
`;
  return `
  MCP Hangar serves ${servers.length} server${servers.length === 1 ? '' : 's'} at  ${url}
  ${servers.map((id) => `${id} (${url}/${id})`).join(', ')}

  Connect a client:
    Claude Code      claude mcp add --transport http hangar ${url}
    Cursor           ~/.cursor/mcp.json             ${remote}
    VS Code          .vscode/mcp.json               ${vscode}
    Claude Desktop   claude_desktop_config.json     ${desktop}

  Try it (in another terminal):
    ${call}
${status}
  Stop with Ctrl-C.
`;
}
