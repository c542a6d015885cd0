import { z } from 'zod';

import { once } from '@mcp-hangar/kernel/once';

/**
 * Keys that narrow what callers may do. This build cannot obey them yet, so `inactive: 'refuse'` (see `inactive.ts`)
 * stops the start where ignoring them would open access.
 */

const globs = once(() => z.array(z.string().min(1)).max(10_000));
const names = once(() => z.array(z.string().min(1)).max(10_000));
const seconds = once(() => z.number().min(0).max(86_400));
const sha256Hex = once(() =>
  z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits (SHA-256)'),
);

const refusedList = (description: string): z.ZodOptional<ReturnType<typeof globs>> =>
  globs().optional().describe(description).meta({ inactive: 'refuse' });
const refusedAlias = (aliasOf: string): z.ZodOptional<ReturnType<typeof globs>> =>
  globs().optional().describe(`Same as \`${aliasOf}\`.`).meta({ inactive: 'refuse', aliasOf });

/** One access policy: the dictionary form of `tools`, and each kind under `access`. */
const accessPolicy = once(() =>
  z.strictObject({
    allow_list: refusedList('Globs of the names that may be used.'),
    allow: refusedAlias('allow_list'),
    deny_list: refusedList('Globs of the names that may not be used.'),
    deny: refusedAlias('deny_list'),
    approval_list: refusedList('Globs of the names whose use a person must approve.'),
    approval: refusedAlias('approval_list'),
    approval_timeout_seconds: seconds()
      .default(300)
      .describe('How long an approval is waited for. Seconds.')
      .meta({ inactive: 'notice' }),
    approval_channel: z
      .string()
      .default('')
      .describe('Where approvals are asked for.')
      .meta({ inactive: 'notice' }),
  }),
);

/** The mapping form of `tools`. */
export const toolPolicy = once(() =>
  accessPolicy().extend({
    hide: z
      .array(z.string().min(1).max(256))
      .max(1000)
      .default([])
      .describe('Globs of tools that are neither listed nor callable.'),
  }),
);

const access = once(() =>
  z.strictObject({
    prompt: accessPolicy().optional().describe('Policy for prompts.'),
    resource: accessPolicy().optional().describe('Policy for resources, by the URI of the server.'),
  }),
);

const tenantPolicy = once(() =>
  z.strictObject({
    ...accessPolicy().shape,
    access: access().optional().describe('Policies for prompts and resources.'),
  }),
);

const withdrawals = once(() => ({
  pins: z
    .record(z.string().min(1), sha256Hex())
    .optional()
    .describe('Digest that a tool must have.'),
  withdrawn: names().optional().describe('Tools taken out of use.'),
  withdrawn_prompts: names().optional().describe('Prompts taken out of use.'),
  withdrawn_resources: names().optional().describe('Resources taken out of use.'),
}));

const capabilities = once(() =>
  z.strictObject({
    enforcement_mode: z
      .enum(['alert', 'block', 'quarantine'])
      .optional()
      .describe('What happens on a violation.'),
    network: z
      .strictObject({
        egress: z
          .array(
            z.strictObject({
              host: z.string().min(1).describe('Glob of host names.'),
              port: z.int().min(0).max(65_535).default(443).describe('0 = any.'),
              protocol: z
                .enum(['https', 'http', 'grpc', 'tcp', 'any'])
                .default('https')
                .describe('Protocol that may be spoken.'),
            }),
          )
          .optional()
          .describe('Where the server may connect to.'),
        dns_allowed: z.boolean().default(true).describe('May resolve names.'),
        loopback_allowed: z.boolean().default(false).describe('May connect to this machine.'),
      })
      .optional()
      .describe('Network access that the server declares.'),
    filesystem: z
      .strictObject({
        read_paths: names().optional().describe('Paths that may be read.'),
        write_paths: names().optional().describe('Paths that may be written.'),
        temp_allowed: z.boolean().default(true).describe('May use the temporary directory.'),
      })
      .optional()
      .describe('File access that the server declares.'),
    environment: z
      .strictObject({
        required: names().optional().describe('Variables that must be set.'),
        optional: names().optional().describe('Variables that may be set.'),
      })
      .optional()
      .describe('Environment variables that the server declares.'),
    tools: z
      .strictObject({
        max_count: z.int().min(0).default(0).describe('Most tools; 0 = no limit.'),
        schema_drift_alert: z.boolean().default(true).describe('Report changed schemas.'),
        expected_tools: names().optional().describe('The tools that the server declares.'),
      })
      .optional()
      .describe('Tools that the server declares.'),
    resources: z
      .strictObject({
        max_memory_mb: z.number().min(0).default(0).describe('0 = no limit.'),
        max_cpu_percent: z.number().min(0).default(0).describe('0 = no limit.'),
      })
      .optional()
      .describe('Machine resources that the server declares.'),
  }),
);

/** The refused keys of a server; `tools` is in `schema-server.ts` because its list form is active. */
export const serverPolicyKeys = once(() => ({
  access: access()
    .optional()
    .describe('Policies for prompts and resources.')
    .meta({ inactive: 'refuse' }),
  tool_access: z
    .record(z.string().min(1), z.record(z.string().min(1), tenantPolicy()))
    .optional()
    .describe('Policies by member and tenant.')
    .meta({ inactive: 'refuse' }),
  tool_projection: z
    .strictObject({
      digest_enforcement: z
        .enum(['audit', 'warn', 'block'])
        .default('block')
        .describe('What happens when a digest differs from its pin.'),
      ...withdrawals(),
      tenant_overrides: z
        .record(z.string().min(1), z.strictObject(withdrawals()))
        .optional()
        .describe('Pins and withdrawals of one tenant.'),
    })
    .optional()
    .describe('Pinned and withdrawn tools.')
    .meta({ inactive: 'refuse' }),
  capabilities: capabilities()
    .optional()
    .describe('What the server declares to need.')
    .meta({ inactive: 'refuse' }),
}));

const oidcIssuer = once(() => ({
  issuer: z.string().min(1).optional().describe('Issuer of the tokens.'),
  audience: z.string().min(1).optional().describe('Audience of the tokens.'),
  jwks_uri: z.string().min(1).optional().describe('Where the keys are.'),
  client_id: z.string().min(1).optional().describe('Our client id.'),
  resource_uri: z.string().min(1).optional().describe('URI of this resource.'),
  subject_claim: z.string().default('sub').describe('Claim with the principal.'),
  groups_claim: z.string().default('groups').describe('Claim with the groups.'),
  tenant_claim: z.string().default('tenant_id').describe('Claim with the tenant.'),
  email_claim: z.string().default('email').describe('Claim with the address.'),
  max_token_lifetime_seconds: seconds()
    .default(3600)
    .describe('Longest lifetime of a token; 0 = any. Seconds.')
    .meta({ env: 'MCP_JWT_MAX_TOKEN_LIFETIME' }),
  clock_skew_leeway: seconds().default(60).describe('Tolerated clock difference. Seconds.'),
  require_tenant: z.boolean().default(false).describe('Refuse tokens without a tenant.'),
  strict_tenant_audience: z.boolean().default(false).describe('Check the audience by tenant.'),
  tenant_audiences: z
    .record(z.string().min(1), z.union([z.string(), names()]))
    .optional()
    .describe('Audiences by tenant.'),
}));

export const authBlock = once(() =>
  z.strictObject({
    enabled: z.boolean().default(false).describe('Ask callers who they are.'),
    allow_anonymous: z.boolean().default(false).describe('Accept callers without a credential.'),
    api_key: z
      .strictObject({
        enabled: z.boolean().default(true).describe('Accept API keys.'),
        header_name: z.string().default('X-API-Key').describe('Header that carries the key.'),
      })
      .optional()
      .describe('API keys.'),
    oidc: z
      .strictObject({
        enabled: z.boolean().optional().describe('Accept OIDC tokens.'),
        ...oidcIssuer(),
        issuers: z.array(z.strictObject(oidcIssuer())).optional().describe('More than one issuer.'),
      })
      .optional()
      .describe('OIDC tokens.'),
    opa: z
      .strictObject({
        enabled: z.boolean().default(false).describe('Ask Open Policy Agent.'),
        url: z.string().default('http://localhost:8181').describe('Where it answers.'),
        policy_path: z.string().default('v1/data/mcp/authz/allow').describe('Path of the policy.'),
        timeout: seconds().default(5).describe('Longest wait for its answer. Seconds.'),
      })
      .optional()
      .describe('Open Policy Agent.'),
    rate_limit: z
      .strictObject({
        enabled: z.boolean().default(true).describe('Limit failed logins.'),
        max_attempts: z.int().min(1).default(10).describe('Failures before the lockout.'),
        window_seconds: seconds().default(60).describe('Window of the count. Seconds.'),
        lockout_seconds: seconds().default(300).describe('Length of the lockout. Seconds.'),
      })
      .optional()
      .describe('Lockout after failed logins.'),
    role_assignments: z
      .array(
        z.strictObject({
          principal: z.string().min(1).describe('Who.'),
          role: z.string().min(1).describe('Which role.'),
          scope: z.string().default('global').describe('Where.'),
        }),
      )
      .optional()
      .describe('Roles given at start.'),
    storage: z
      .strictObject({
        driver: z
          .enum(['memory', 'sqlite', 'postgresql', 'event_sourcing'])
          .default('memory')
          .describe('Where keys and roles are kept.'),
        path: z.string().min(1).default('data/auth.db').describe('SQLite file.'),
        host: z.string().min(1).default('localhost').describe('PostgreSQL host.'),
        port: z.int().min(1).max(65_535).default(5432).describe('PostgreSQL port.'),
        database: z.string().min(1).default('mcp_hangar').describe('PostgreSQL database.'),
        user: z.string().min(1).default('mcp_hangar').describe('PostgreSQL user.'),
        password: z.string().optional().describe('PostgreSQL password.'),
        min_connections: z.int().min(0).default(2).describe('Connections kept open.'),
        max_connections: z.int().min(1).default(10).describe('Most connections.'),
      })
      .optional()
      .describe('Where keys and roles are kept.'),
  }),
);

export const approvalsBlock = once(() =>
  z.strictObject({
    enabled: z.boolean().default(true).describe('Ask for approvals.'),
    channel: z.string().min(1).optional().describe('event_stream, noop or the name of a plug-in.'),
    delivery: z
      .strictObject({ required: z.boolean().default(false).describe('Fail when not delivered.') })
      .optional()
      .describe('Delivery of requests for approval.'),
    slack: z
      .strictObject({
        webhook_url: z.string().min(1).optional().describe('Incoming webhook.'),
        signing_secret: z.string().min(1).optional().describe('Secret that signs answers.'),
      })
      .optional()
      .describe('Approvals through Slack.'),
    webhook: z.record(z.string(), z.unknown()).optional().describe('Approvals through a webhook.'),
  }),
);

export const interceptorsBlock = once(() =>
  z.strictObject({
    validators: z
      .array(
        z.strictObject({
          type: z.enum(['payload_size']).describe('Kind of validator.'),
          max_bytes: z.int().min(1).default(1_000_000).describe('Largest arguments. Bytes.'),
        }),
      )
      .optional()
      .describe('Checks of the arguments of every call.'),
  }),
);
