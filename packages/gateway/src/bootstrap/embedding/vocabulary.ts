/**
 * What the public types take from elsewhere. In the package this file is printed from the schema and the catalogue
 * (`scripts/public-types.ts`), so that its types need nothing else.
 */
import type { ErrorCode as CatalogueCode } from '@mcp-hangar/kernel/errors';
import type { z } from 'zod';
import type { configDocument } from '../config/schema.ts';

/** A configuration as a value: the keys are those of the configuration file. */
export type HangarConfig = z.input<ReturnType<typeof configDocument>>;

/** One server of a configuration. */
export type McpServerConfig = NonNullable<HangarConfig['mcp_servers']>[string];

/** Stable; branch on it, not on the message. */
export type ErrorCode = CatalogueCode;
