import { z } from 'zod';

import { STRATEGIES } from '../../domain/group/spec.ts';
import { once } from '@mcp-hangar/kernel/once';
import { executionKeys } from './schema-execution.ts';
import { failoverKeys } from './schema-failover.ts';
import { breakerBlock } from './schema-breaker.ts';
import { serverPolicyKeys, toolPolicy } from './schema-policy.ts';
import { remoteKeys, transport } from './schema-remote.ts';
import { partOf, shapeOf } from './schema-parts.ts';

/** One entry of `mcp_servers`. Which keys a mode needs is in `relations.ts`. */

/** Every accepted spelling of `mode`, with the one we use. */
export const MODES = {
  subprocess: 'subprocess',
  stdio: 'subprocess',
  container: 'container',
  docker: 'docker',
  podman: 'podman',
  remote: 'remote',
  http: 'remote',
  sse: 'remote',
  streamable_http: 'remote',
  group: 'group',
} as const;

const NO_NUL = /^[^\0]*$/;
const word = once(() => z.string().regex(NO_NUL, 'expected text without NUL characters'));
const words = once(() => z.array(word()).max(100));
const schemaObject = once(() => z.record(z.string(), z.unknown()));

/** A tool definition as servers list it (MCP `Tool`), with the snake-case spellings of product 0.1. */
const predefinedToolInput = once(() =>
  z.strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9_./-]{1,128}$/, 'expected 1 to 128 letters, digits or _ . / -')
      .describe('Name, as the server knows it.'),
    title: z.string().optional().describe('Name for people.'),
    description: z.string().optional().describe('What the tool does.'),
    inputSchema: schemaObject().optional().describe('JSON Schema of the arguments.'),
    input_schema: schemaObject()
      .optional()
      .describe('Same as `inputSchema`.')
      .meta({ aliasOf: 'inputSchema' }),
    outputSchema: schemaObject().optional().describe('JSON Schema of the structured result.'),
    output_schema: schemaObject()
      .optional()
      .describe('Same as `outputSchema`.')
      .meta({ aliasOf: 'outputSchema' }),
    annotations: schemaObject().optional().describe('Hints about the behaviour of the tool.'),
    icons: z.array(schemaObject()).optional().describe('Icons.'),
    _meta: schemaObject().optional().describe('Extension data.'),
  }),
);

const predefinedTools = once(() => z.array(predefinedToolInput()).max(10_000));
const networks = once(() => z.enum(['none', 'bridge', 'host']));

const containerKeys = once(() => ({
  image: z.string().min(1).max(255).optional().describe('Container image.'),
  build: z
    .strictObject({
      dockerfile: z.string().min(1).optional().describe('Dockerfile.'),
      context: z.string().min(1).optional().describe('Build context.'),
      tag: z.string().min(1).optional().describe('Tag of the image.'),
    })
    .optional()
    .describe('Image built on the first start.'),
  volumes: z
    .array(z.string().regex(/^[^:]+:[^:]+(:(ro|rw))?$/, 'expected host:container[:ro|rw]'))
    .optional()
    .describe('Mounts.'),
  network: networks().optional().describe('Network of the container; none unless set.'),
  network_mode: networks().optional().describe('Same as `network`.').meta({ aliasOf: 'network' }),
  read_only: z.boolean().optional().describe('Read-only root file system; true unless set.'),
  resources: z
    .strictObject({
      memory: z.string().min(1).default('512m').describe('Memory.'),
      cpu: z.string().min(1).default('1.0').describe('Processors.'),
    })
    .optional()
    .describe('Limits of the container.'),
  user: z.string().min(1).optional().describe('uid:gid, or current.'),
}));

const envName = once(() =>
  z.string().regex(/^[^=\0]{1,256}$/, 'expected 1 to 256 characters without "=" or NUL'),
);
const envValue = once(() =>
  z.string().regex(NO_NUL, 'expected text without NUL characters').max(32_768),
);

const activeKeys = {
  mode: () =>
    z
      .enum([
        'subprocess',
        'stdio',
        'container',
        'docker',
        'podman',
        'remote',
        'http',
        'sse',
        'streamable_http',
        'group',
      ])
      .optional()
      .describe('How the server is run; subprocess when there is a `command`.'),
  description: () => z.string().max(10_000).optional().describe('Shown in lists.'),
  enabled: () =>
    z
      .boolean()
      .default(true)
      .describe('false: the server is neither started nor listed nor reached.'),
  command: () =>
    z
      .union([z.string().min(1), words().min(1)])
      .optional()
      .describe('Program and arguments: a list, or text split as a shell would.'),
  args: () => words().default([]).describe('Arguments added to `command`.'),
  env: () =>
    z
      .record(envName(), envValue())
      .refine((env) => Object.keys(env).length <= 100, 'expected at most 100 variables')
      .default({})
      .describe('Environment variables added for the server.'),
  cwd: () => word().min(1).optional().describe('Working directory; that of this file unless set.'),
  era: () =>
    z
      .enum(['auto', 'legacy', 'modern'])
      .default('auto')
      .describe(
        'Revisions in which the server is spoken to: `legacy` up to 2025-11-25, `modern` from 2026-07-28; `auto` finds out.',
      ),
  sharing: () =>
    z
      .enum(['auto', 'shared', 'session'])
      .default('auto')
      .describe('Who may use one child process.'),
  session_children_max: () =>
    z
      .int()
      .min(1)
      .max(10_000)
      .default(64)
      .describe('Most children that each belong to one client session (`sharing: session`).'),
  replicas: () =>
    z
      .int()
      .min(1)
      .max(64)
      .default(1)
      .describe(
        'Children that clients who declare nothing share; each call goes to the least busy.',
      ),
  leased_children_max: () =>
    z.int().min(1).max(64).default(8).describe('Most children that are told client capabilities.'),
  startup_timeout_s: () =>
    z
      .number()
      .min(1)
      .max(3600)
      .optional()
      .describe('Longest start: 30, or 120 for npx and uvx, unless set. Seconds.'),
  call_timeout_s: () =>
    z
      .number()
      .min(0.1)
      .max(86_400)
      .default(300)
      .describe('Longest silence during a call. Seconds.'),
  max_consecutive_failures: () =>
    z
      .int()
      .min(1)
      .max(100)
      .default(3)
      .describe('Failures in a row after which calls wait for a back-off.'),
  health_check_interval_s: () =>
    z
      .number()
      .min(0)
      .max(3600)
      .optional()
      .describe(
        'How often a running server that nobody calls is asked whether it is alive; 0 = never. As `health_check` says unless set. Seconds.',
      ),
  idle_ttl_s: () =>
    z
      .int()
      .min(0)
      .max(86_400)
      .default(300)
      .describe('Stop after this long without a call; 0 = never. Seconds.'),
  tools: () =>
    z
      .union([predefinedTools(), toolPolicy()])
      .optional()
      .describe(
        'A list: tools known before the server has started. A mapping: which tools may be used.',
      ),
  predefined_tools: () =>
    predefinedTools().optional().describe('Tools known before the server has started.'),
};

const notYet = <Shape extends Record<string, z.ZodType>>(shape: Shape): Shape => {
  const marked = Object.entries(shape).map(([key, schema]) => [
    key,
    schema.meta({ ...schema.meta(), inactive: 'notice' }),
  ]);
  // `meta()` returns the same type that it is called on, so the shape keeps its type.
  return Object.fromEntries(marked) as Shape;
};

const serverKeys = once(() => ({
  ...shapeOf(activeKeys),
  ...remoteKeys(),
  ...executionKeys(),
  circuit_breaker: breakerBlock()
    .optional()
    .describe(
      'Refuses calls to a server that keeps failing, until it is tried again; none unless set.',
    ),
  ...failoverKeys(),
  ...notYet(containerKeys()),
  ...serverPolicyKeys(),
}));

const member = once(() =>
  z.strictObject({
    id: z.string().min(1).describe('Id of a server, or of the one defined here.'),
    weight: z
      .int()
      .min(1)
      .max(100)
      .default(1)
      .describe('Share of the calls, for `weighted_round_robin` and `random`.'),
    priority: z.int().min(1).max(100).default(1).describe('The lowest is chosen first.'),
    ...serverKeys(),
  }),
);

const groupKeys = once(() => ({
  members: z.array(member()).min(1).max(1000).optional().describe('Servers of the group.'),
  strategy: z
    .enum(STRATEGIES)
    .optional()
    .describe('How the member for a call is chosen; round_robin unless set.'),
  min_healthy: z
    .int()
    .min(0)
    .optional()
    .describe('Members in rotation that make the group healthy; 1 unless set.'),
  auto_start: z
    .boolean()
    .optional()
    .describe(
      'Start the server with the gateway, in the background; false unless set. Of a group: its members, and again after they failed; true unless set.',
    ),
  health: z
    .strictObject({
      unhealthy_threshold: z.int().min(1).default(2).describe('Failures before a member leaves.'),
      healthy_threshold: z.int().min(1).default(1).describe('Successes before it returns.'),
    })
    .optional()
    .describe('When members leave and return.'),
  canary: z
    .strictObject({
      member: z.string().min(1).describe('Member that is tried.'),
      split_pct: z.int().min(0).max(100).default(0).describe('Share of the tenants. Percent.'),
      pinned_tenants: z
        .record(z.string().min(1), z.string().min(1))
        .optional()
        .describe('Member by tenant.'),
    })
    .optional()
    .describe(
      'A member that is tried by some tenants. Until callers are authenticated, a tenant is a session, or the principal of modern requests.',
    ),
}));

/** What keeps calls together, and what becomes of those that a member fails. */
const groupCallKeys = once(() => ({
  session_affinity: z
    .strictObject({
      by: z
        .enum(['session', 'principal', 'header'])
        .default('session')
        .describe(
          'Whose calls stay on one member. The principal of a session is the session, until callers are authenticated.',
        ),
      header: z
        .string()
        .regex(/^[A-Za-z0-9-]{1,128}$/, 'expected the name of a header')
        .optional()
        .describe('Header whose value says it, with `by: header`.'),
      ttl_s: z
        .number()
        .min(1)
        .max(86_400)
        .default(1800)
        .describe('The member is forgotten after this long without a call. Seconds.'),
    })
    .optional()
    .describe('Keep the calls of one client on one member.'),
  hedge_after_ms: z
    .int()
    .min(1)
    .max(600_000)
    .optional()
    .describe(
      'Give a call that may run twice to a second member after this long; the first answer counts. Milliseconds.',
    ),
}));

/** Every key that there is. */
export const serverEntry = once(() =>
  z.strictObject({ ...serverKeys(), ...groupKeys(), ...groupCallKeys() }),
);
export type ServerEntry = z.output<ReturnType<typeof serverEntry>>;
/** What defines one server, wherever it stands. */
export type OneServerEntry = z.output<z.ZodObject<ReturnType<typeof serverKeys>>> &
  Partial<Pick<ServerEntry, 'auto_start'>>;

/**
 * The keys of a plain local server: most files have no others. Each is made for itself, because a schema of all keys
 * that there are costs a start more than everything else that it does with the file.
 */
const plainKeys = { ...activeKeys, transport };

/** For servers that have these keys only; undefined where one of them is no plain key. */
export const plainEntry = (written: ReadonlySet<string>): z.ZodObject | undefined =>
  partOf(plainKeys, written);

/** What a plain server comes to that says nothing. */
export const standardEntry = (): StandardEntry => z.strictObject(shapeOf(plainKeys)).parse({});
type StandardEntry = z.output<z.ZodObject<ReturnType<typeof plainShape>>>;
const plainShape = () => shapeOf(plainKeys);
