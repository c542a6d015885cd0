// The gateway inside a program: two MCP servers, called by name, started when they are needed.
//
//   node examples/embedding/main.ts
import { join } from 'node:path';
import { Hangar, HangarError } from 'mcp-hangar';

const demoFiles = join(import.meta.dirname, '..', 'demo-files');

// `await using` closes it, and with it every server, however the block ends.
await using hangar = await Hangar.start({
  mcp_servers: {
    files: { command: ['npx', '-y', '@modelcontextprotocol/server-filesystem', demoFiles] },
    thinking: {
      command: ['npx', '-y', '@modelcontextprotocol/server-sequential-thinking'],
      idle_ttl_s: 60,
    },
  },
});

// Nothing runs yet: the first call starts the server.
const result = await hangar.invoke(
  'files',
  'read_text_file',
  { path: join(demoFiles, 'welcome.md') },
  { timeoutMs: 10_000, onProgress: ({ stage }) => console.log(`  ${stage}`) },
);
console.log(result.content?.[0]?.['text']);

for (const { id, state, toolsCount } of await hangar.listMcpServers())
  console.log(`${id}: ${state}, ${toolsCount} tools`);

try {
  await hangar.invoke('files', 'read_text_fil');
} catch (error) {
  if (!(error instanceof HangarError)) throw error;
  console.log(`${error.code}: ${error.message}. ${error.remedy}`);
}

// What happened so far, then what happens next; here until the first call that is over.
for await (const { type, data } of hangar.events.follow({ past: 100 })) {
  console.log(type, data['mcp_server_id']);
  if (type === 'ToolInvocationCompleted') break;
}
