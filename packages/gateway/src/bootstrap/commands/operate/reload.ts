/** `reload`. */
import { ReloadAnswer } from '../../../application/operator/reload-report.ts';
import { reloadText } from '../../../server/cli/reload-text.ts';
import { askGateway, readAnswer } from '../../ask-gateway.ts';
import { progressOn } from '../../progress.ts';
import { print } from '../../say.ts';
import type { Asked } from './asked.ts';

/** Makes the gateway that runs read its file again. Answers the exit code. @throws Fault with why nothing has changed */
export async function reload({ flags, signal }: Asked): Promise<number> {
  using _progress = progressOn('asking the gateway');
  const input = flags.dryRun === true ? { dry_run: true } : {};
  const question = { query: 'reload_configuration', input };
  const answer = readAnswer(ReloadAnswer, await askGateway(flags, question, { signal }));
  await print(flags.json === true ? JSON.stringify(answer) : reloadText(answer));
  return 0;
}
