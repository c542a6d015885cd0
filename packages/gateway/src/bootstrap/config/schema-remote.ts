import { z } from 'zod';

import { once } from '@mcp-hangar/kernel/once';

/** Keys of a server that runs elsewhere (`mode: remote`). How they depend on each other is in `remote-relations.ts`. */

const httpUrl = once(() =>
  z.string().regex(/^https?:\/\/[^\s/]\S*$/, 'expected an http or https URL'),
);

/** RFC 9110, section 5.6.2. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
const headerName = once(() => z.string().regex(HEADER_NAME, 'expected the name of an HTTP header'));
/** RFC 9110, section 5.5: visible characters, with spaces and tabs inside. */
const HEADER_VALUE = /^(?:[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?)?$/;
const headerValue = once(() =>
  z
    .string()
    .regex(HEADER_VALUE, 'expected printable ASCII text without spaces around it')
    .max(16_384),
);

export const transport = once(() =>
  z
    .enum(['auto', 'streamable-http', 'sse'])
    .default('auto')
    .describe(
      'How a remote server is spoken to: Streamable HTTP, or HTTP+SSE of 2024-11-05; `auto` finds out.',
    ),
);

const http = once(() =>
  z.strictObject({
    connect_timeout: z
      .number()
      .min(0.1)
      .max(3600)
      .default(10)
      .describe('Longest wait for a connection. Seconds.'),
    read_timeout: z
      .number()
      .min(0.1)
      .max(86_400)
      .default(30)
      .describe(
        'Longest silence within an answer that is no event stream. (For its beginning a call waits `call_timeout_s`.) Seconds.',
      ),
    max_retries: z
      .int()
      .min(0)
      .max(100)
      .default(3)
      .describe('Further attempts to connect; what was sent is never sent again.'),
    retry_backoff_factor: z
      .number()
      .min(0)
      .max(3600)
      .default(0.5)
      .describe('Wait before the first further attempt; it doubles. Seconds.'),
    headers: z
      .record(headerName(), headerValue())
      .refine((headers) => Object.keys(headers).length <= 64, 'expected at most 64 headers')
      .optional()
      .describe('Headers added to every request.'),
  }),
);

export const remoteKeys = once(() => ({
  endpoint: httpUrl().optional().describe('URL of a remote server.'),
  url: httpUrl().optional().describe('Same as `endpoint`.').meta({ aliasOf: 'endpoint' }),
  transport: transport(),
  auth: z
    .strictObject({
      type: z
        .enum(['none', 'api_key', 'bearer', 'basic'])
        .default('none')
        .describe('Kind of credential.'),
      api_key: headerValue().optional().describe('API key.'),
      key: headerValue().optional().describe('Same as `api_key`.').meta({ aliasOf: 'api_key' }),
      api_key_header: headerName()
        .optional()
        .describe('Header that carries the key; `X-API-Key` unless set.'),
      header: headerName()
        .optional()
        .describe('Same as `api_key_header`.')
        .meta({ aliasOf: 'api_key_header' }),
      bearer_token: headerValue().optional().describe('Bearer token.'),
      token: headerValue()
        .optional()
        .describe('Same as `bearer_token`.')
        .meta({ aliasOf: 'bearer_token' }),
      username: z.string().max(1024).optional().describe('User name.'),
      password: z.string().max(4096).optional().describe('Password.'),
    })
    .optional()
    .describe('What we show a remote server.'),
  tls: z
    .strictObject({
      verify_ssl: z
        .boolean()
        .default(true)
        .describe(
          'Check certificates. `false` lets anybody on the way read and change everything.',
        ),
      ca_cert_path: z
        .string()
        .min(1)
        .optional()
        .describe('File (PEM) of a further authority, beside those that Node knows.'),
    })
    .optional()
    .describe('TLS of a remote server.'),
  http: http().optional().describe('HTTP to a remote server.'),
}));
