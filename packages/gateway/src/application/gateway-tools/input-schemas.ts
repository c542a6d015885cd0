/** Made by `npm run reference` from the schemas of the tools' arguments; do not edit. */
import type { JsonObject } from '../../domain/protocol/json-rpc.ts';

export const INPUT_SCHEMAS: Readonly<Record<string, JsonObject>> = {
  registry_list: {
    type: 'object',
    properties: {
      state_filter: {
        description: 'Only servers in this state.',
        type: 'string',
        enum: ['cold', 'initializing', 'ready', 'degraded', 'dead', 'disabled'],
      },
    },
  },
  registry_start: {
    type: 'object',
    properties: {
      provider: {
        type: 'string',
        pattern: '^[A-Za-z][A-Za-z0-9_-]{0,63}$',
        description: 'Id of the MCP server, as the list shows it.',
      },
    },
    required: ['provider'],
  },
  registry_stop: {
    type: 'object',
    properties: {
      provider: {
        type: 'string',
        pattern: '^[A-Za-z][A-Za-z0-9_-]{0,63}$',
        description: 'Id of the MCP server, as the list shows it.',
      },
    },
    required: ['provider'],
  },
  registry_tools: {
    type: 'object',
    properties: {
      provider: {
        type: 'string',
        pattern: '^[A-Za-z][A-Za-z0-9_-]{0,63}$',
        description: 'Id of the MCP server, as the list shows it.',
      },
    },
    required: ['provider'],
  },
  registry_details: {
    type: 'object',
    properties: {
      provider: {
        type: 'string',
        pattern: '^[A-Za-z][A-Za-z0-9_-]{0,63}$',
        description: 'Id of the MCP server, as the list shows it.',
      },
    },
    required: ['provider'],
  },
  registry_health: { type: 'object', properties: {} },
  registry_status: { type: 'object', properties: {} },
  registry_warm: {
    type: 'object',
    properties: {
      providers: {
        description: 'Ids of MCP servers with commas between them; all where it is left out.',
        type: 'string',
        maxLength: 100000,
      },
    },
  },
  registry_discover: { type: 'object', properties: {} },
  registry_sources: { type: 'object', properties: {} },
  registry_group_list: { type: 'object', properties: {} },
  registry_group_rebalance: {
    type: 'object',
    properties: {
      group: {
        type: 'string',
        pattern: '^[A-Za-z][A-Za-z0-9_-]{0,63}$',
        description: 'Id of the group, as the list shows it.',
      },
    },
    required: ['group'],
  },
  registry_invoke: {
    type: 'object',
    properties: {
      provider: {
        type: 'string',
        pattern: '^[A-Za-z][A-Za-z0-9_-]{0,63}$',
        description: 'Id of the MCP server, as the list shows it.',
      },
      tool: {
        type: 'string',
        minLength: 1,
        maxLength: 256,
        description: 'Name of the tool, as the server itself names it.',
      },
      arguments: { default: {}, type: 'object', description: 'Arguments of the tool.' },
      timeout: {
        default: 30,
        description:
          'Longest wait for the answer; the start of the server does not count. Seconds.',
        type: 'number',
        minimum: 0.1,
        maximum: 3600,
      },
    },
    required: ['provider', 'tool'],
  },
  registry_invoke_ex: {
    type: 'object',
    properties: {
      provider: {
        type: 'string',
        pattern: '^[A-Za-z][A-Za-z0-9_-]{0,63}$',
        description: 'Id of the MCP server, as the list shows it.',
      },
      tool: {
        type: 'string',
        minLength: 1,
        maxLength: 256,
        description: 'Name of the tool, as the server itself names it.',
      },
      arguments: { default: {}, type: 'object', description: 'Arguments of the tool.' },
      timeout: {
        default: 30,
        description:
          'Longest wait for the answer; the start of the server does not count. Seconds.',
        type: 'number',
        minimum: 0.1,
        maximum: 3600,
      },
      max_retries: {
        default: 3,
        description:
          'Attempts at most, the first included, where repeating the call is safe; 0 and 1 mean one. A configured `retry` policy may allow fewer.',
        type: 'integer',
        minimum: 0,
        maximum: 100,
      },
      correlation_id: {
        description:
          'Goes to the server as `_meta.correlation_id` and into logs; made where left out.',
        type: 'string',
        minLength: 1,
        maxLength: 256,
      },
      retry_on_error: {
        default: true,
        description: 'False: one attempt, whatever `max_retries` says.',
        type: 'boolean',
      },
    },
    required: ['provider', 'tool'],
  },
  registry_invoke_stream: {
    type: 'object',
    properties: {
      provider: {
        type: 'string',
        pattern: '^[A-Za-z][A-Za-z0-9_-]{0,63}$',
        description: 'Id of the MCP server, as the list shows it.',
      },
      tool: {
        type: 'string',
        minLength: 1,
        maxLength: 256,
        description: 'Name of the tool, as the server itself names it.',
      },
      arguments: { default: {}, type: 'object', description: 'Arguments of the tool.' },
      timeout: {
        default: 30,
        description:
          'Longest wait for the answer; the start of the server does not count. Seconds.',
        type: 'number',
        minimum: 0.1,
        maximum: 3600,
      },
      max_retries: {
        default: 3,
        description:
          'Attempts at most, the first included, where repeating the call is safe; 0 and 1 mean one. A configured `retry` policy may allow fewer.',
        type: 'integer',
        minimum: 0,
        maximum: 100,
      },
      correlation_id: {
        description:
          'Goes to the server as `_meta.correlation_id` and into logs; made where left out.',
        type: 'string',
        minLength: 1,
        maxLength: 256,
      },
    },
    required: ['provider', 'tool'],
  },
  hangar_list: {
    type: 'object',
    properties: {
      state_filter: {
        description: 'Only servers in this state.',
        type: 'string',
        enum: ['cold', 'initializing', 'ready', 'degraded', 'dead', 'disabled'],
      },
    },
  },
  hangar_start: {
    type: 'object',
    properties: {
      mcp_server: {
        type: 'string',
        pattern: '^[A-Za-z][A-Za-z0-9_-]{0,63}$',
        description: 'Id of the MCP server, as the list shows it.',
      },
    },
    required: ['mcp_server'],
  },
  hangar_stop: {
    type: 'object',
    properties: {
      mcp_server: {
        type: 'string',
        pattern: '^[A-Za-z][A-Za-z0-9_-]{0,63}$',
        description: 'Id of the MCP server, as the list shows it.',
      },
    },
    required: ['mcp_server'],
  },
  hangar_tools: {
    type: 'object',
    properties: {
      mcp_server: {
        type: 'string',
        pattern: '^[A-Za-z][A-Za-z0-9_-]{0,63}$',
        description: 'Id of the MCP server, as the list shows it.',
      },
    },
    required: ['mcp_server'],
  },
  hangar_details: {
    type: 'object',
    properties: {
      mcp_server: {
        type: 'string',
        pattern: '^[A-Za-z][A-Za-z0-9_-]{0,63}$',
        description: 'Id of the MCP server, as the list shows it.',
      },
    },
    required: ['mcp_server'],
  },
  hangar_health: { type: 'object', properties: {} },
  hangar_status: { type: 'object', properties: {} },
  hangar_warm: {
    type: 'object',
    properties: {
      mcp_servers: {
        description: 'Ids of MCP servers with commas between them; all where it is left out.',
        type: 'string',
        maxLength: 100000,
      },
    },
  },
  hangar_discover: { type: 'object', properties: {} },
  hangar_sources: { type: 'object', properties: {} },
  hangar_group_list: { type: 'object', properties: {} },
  hangar_group_rebalance: {
    type: 'object',
    properties: {
      group: {
        type: 'string',
        pattern: '^[A-Za-z][A-Za-z0-9_-]{0,63}$',
        description: 'Id of the group, as the list shows it.',
      },
    },
    required: ['group'],
  },
  hangar_fetch_continuation: {
    type: 'object',
    properties: {
      continuation_id: {
        type: 'string',
        minLength: 1,
        maxLength: 256,
        description: '`continuation_id` of a result that was cut.',
      },
      offset: {
        default: 0,
        description: 'Where the page begins: `next_offset` of the page before. Bytes.',
        type: 'integer',
        minimum: 0,
        maximum: 9007199254740991,
      },
      limit: {
        default: 500000,
        description: 'Length of the page, at most 2000000. Bytes; no character is split.',
        type: 'number',
      },
    },
    required: ['continuation_id'],
  },
  hangar_delete_continuation: {
    type: 'object',
    properties: {
      continuation_id: {
        type: 'string',
        minLength: 1,
        maxLength: 256,
        description: '`continuation_id` of a result that was cut.',
      },
    },
    required: ['continuation_id'],
  },
  hangar_reload_config: {
    type: 'object',
    properties: {
      graceful: {
        default: true,
        description:
          'Calls in flight at servers that go or change may end; false ends them at once.',
        type: 'boolean',
      },
    },
  },
};
