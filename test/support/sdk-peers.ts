/** The official clients behind one face, so that one test runs against each of them. */
import {
  Client as ClientV2,
  StreamableHTTPClientTransport as TransportV2,
} from '@modelcontextprotocol/client';
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { MODERN } from './clients.ts';

export const PEERS = ['SDK v1', 'SDK v2, legacy', 'SDK v2, modern'] as const;
export type PeerKind = (typeof PEERS)[number];

type Json = Record<string, unknown>;

export interface Notification {
  readonly method: string;
  readonly params: Json;
}

/** What a `subscriptions/listen` was acknowledged for. */
export interface Listening {
  readonly honoredFilter: { readonly resourceSubscriptions?: string[] | undefined };
  close(): Promise<void>;
}

export interface Peer extends AsyncDisposable {
  /** Every notification that came, in order. */
  readonly notifications: readonly Notification[];
  /** The requests that servers sent, by method. */
  readonly asked: readonly string[];
  readonly serverName: string | undefined;
  listTools(): Promise<readonly { readonly name: string }[]>;
  /** The first text of the result. */
  callTool(name: string, args?: Json, onProgress?: (progress: number) => void): Promise<string>;
  listPrompts(): Promise<readonly { readonly name: string }[]>;
  getPrompt(name: string, args?: Record<string, string>): Promise<unknown>;
  listResources(): Promise<readonly { readonly uri: string }[]>;
  listResourceTemplates(): Promise<readonly { readonly uriTemplate: string }[]>;
  readResource(uri: string): Promise<unknown>;
  completePrompt(
    name: string,
    argument: { name: string; value: string },
  ): Promise<readonly string[]>;
  /** Legacy only. */
  setLoggingLevel(level: 'debug'): Promise<unknown>;
  subscribe(uri: string): Promise<unknown>;
  unsubscribe(uri: string): Promise<unknown>;
  /** Modern only: hears of changed tools, and of these resources. */
  listen(uris?: readonly string[]): Promise<Listening>;
}

export const ASKABLE = { sampling: {}, elicitation: { form: {} }, roots: { listChanged: true } };
/** What a client of either era may declare, with pages beside forms. */
export const ALL_ASKABLE = { sampling: {}, elicitation: { form: {}, url: {} }, roots: {} };
const INFO = { name: 'e2e', version: '1.0.0' };

/** What a client answers to each question of a server. */
const ANSWERS = {
  'sampling/createMessage': {
    model: 'test-model',
    role: 'assistant',
    content: { type: 'text', text: 'sampled words' },
  },
  'elicitation/create': { action: 'accept', content: { name: 'Ada Lovelace', check: true } },
  'roots/list': { roots: [{ uri: 'file:///e2e/root', name: 'e2e root' }] },
} as const;

/** A page is visited; only a form has content. */
const pageOr = <Form extends object>(
  params: object,
  form: Form,
): Form | { readonly action: 'accept' } =>
  'mode' in params && params.mode === 'url' ? { action: 'accept' } : form;

/** The URL of a gateway, or the command that a client starts. */
export type Target = string | StdioTarget;

export interface StdioTarget {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Record<string, string>;
}

export function openPeer(kind: PeerKind, target: Target, capabilities: Json = {}): Promise<Peer> {
  return kind === 'SDK v1' ? openV1(target, capabilities) : openV2(kind, target, capabilities);
}

async function openV1(target: Target, capabilities: Json): Promise<Peer> {
  const client = new ClientV1(INFO, { capabilities });
  const asked: string[] = [];
  const answer = <Method extends keyof typeof ANSWERS>(
    method: Method,
  ): (typeof ANSWERS)[Method] => {
    asked.push(method);
    return ANSWERS[method];
  };
  if (capabilities['sampling'] !== undefined)
    client.setRequestHandler(CreateMessageRequestSchema, () => answer('sampling/createMessage'));
  if (capabilities['elicitation'] !== undefined)
    client.setRequestHandler(ElicitRequestSchema, ({ params }) =>
      pageOr(params, answer('elicitation/create')),
    );
  if (capabilities['roots'] !== undefined)
    client.setRequestHandler(ListRootsRequestSchema, () => ({
      roots: [...answer('roots/list').roots],
    }));
  const transport =
    typeof target === 'string'
      ? new TransportV1(new URL(target))
      : new StdioV1({ ...target, args: [...target.args], stderr: 'ignore' });
  // The SDK was not compiled with exactOptionalPropertyTypes: its own transport is not its own interface.
  await client.connect(transport as Transport);
  return peerOf(client, asked);
}

async function openV2(kind: PeerKind, target: Target, capabilities: Json): Promise<Peer> {
  const mode = kind === 'SDK v2, modern' ? { pin: MODERN } : ('legacy' as const);
  const client = new ClientV2(INFO, { capabilities, versionNegotiation: { mode } });
  const asked: string[] = [];
  const answer = <Method extends keyof typeof ANSWERS>(
    method: Method,
  ): (typeof ANSWERS)[Method] => {
    asked.push(method);
    return ANSWERS[method];
  };
  if (capabilities['sampling'] !== undefined)
    client.setRequestHandler('sampling/createMessage', () => answer('sampling/createMessage'));
  if (capabilities['elicitation'] !== undefined)
    client.setRequestHandler('elicitation/create', ({ params }) =>
      pageOr(params, answer('elicitation/create')),
    );
  if (capabilities['roots'] !== undefined)
    client.setRequestHandler('roots/list', () => ({ roots: [...answer('roots/list').roots] }));
  const transport =
    typeof target === 'string'
      ? new TransportV2(new URL(target))
      : new StdioV2({ ...target, args: [...target.args], stderr: 'ignore' });
  await client.connect(transport);
  return peerOf(client, asked);
}

function firstText(result: unknown): string {
  const { content } = result as { readonly content: readonly { readonly text?: string }[] };
  return content[0]?.text ?? '';
}

function peerOf(client: ClientV1 | ClientV2, asked: readonly string[]): Peer {
  const notifications: Notification[] = [];
  client.fallbackNotificationHandler = ({ method, params }) => {
    notifications.push({ method, params: (params ?? {}) as Json });
    return Promise.resolve();
  };
  return {
    notifications,
    asked,
    serverName: client.getServerVersion()?.name,
    listTools: async () => (await client.listTools()).tools,
    async callTool(name, args = {}, onProgress) {
      const call = { name, arguments: args };
      const options = onProgress && {
        onprogress: ({ progress }: { readonly progress: number }) => onProgress(progress),
      };
      return firstText(
        client instanceof ClientV1
          ? await client.callTool(call, undefined, options)
          : await client.callTool(call, options),
      );
    },
    listPrompts: async () => (await client.listPrompts()).prompts,
    getPrompt: (name, args = {}) => client.getPrompt({ name, arguments: args }),
    listResources: async () => (await client.listResources()).resources,
    listResourceTemplates: async () => (await client.listResourceTemplates()).resourceTemplates,
    readResource: (uri) => client.readResource({ uri }),
    async completePrompt(name, argument) {
      const { completion } = await client.complete({ ref: { type: 'ref/prompt', name }, argument });
      return completion.values;
    },
    setLoggingLevel: (level) => client.setLoggingLevel(level),
    subscribe: (uri) => client.subscribeResource({ uri }),
    unsubscribe: (uri) => client.unsubscribeResource({ uri }),
    async listen(uris = []) {
      const resources = uris.length === 0 ? {} : { resourceSubscriptions: [...uris] };
      if (client instanceof ClientV2)
        return client.listen({ toolsListChanged: true, ...resources });
      throw new Error('SDK v1 has no subscriptions/listen');
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}
