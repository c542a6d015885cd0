// A module whose contents are made from others, as the formatter leaves it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, type FormatConfig } from 'oxfmt';
import { ROOT } from './run-command.ts';

export async function generatedModule(text: string): Promise<string> {
  // Our own file, which the formatter checks too.
  const options = JSON.parse(readFileSync(join(ROOT, '.oxfmtrc.json'), 'utf8')) as FormatConfig;
  const { code } = await format('generated.ts', text, options);
  return code;
}
