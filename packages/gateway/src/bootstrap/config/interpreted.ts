/**
 * A parser that zod compiles pays after some hundred uses; a start uses each one once and waits for its compilation.
 * Imported before any schema is made.
 */
import * as z from 'zod';

z.config({ jitless: true });
