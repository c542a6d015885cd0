// The licences of what the bundle contains: whoever gets the code is to get them too.
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly license?: string;
}

/** The folders of the packages of others to which these modules belong, sorted, each once. */
export function packageFolders(modules: readonly string[]): readonly string[] {
  const folders = modules.flatMap((id) => {
    const match = /^(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/.exec(id);
    return match?.[1] === undefined ? [] : [match[1]];
  });
  return [...new Set(folders)].toSorted();
}

/** One text with a section for each package. @throws Error where one has no licence */
export function licencesText(modules: readonly string[]): string {
  const sections = packageFolders(modules).map(sectionOf);
  return `The files beside this one contain code of the following packages.\n\n${sections.join('\n')}`;
}

function sectionOf(folder: string): string {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  const { name = dirname(folder), version = '', license = '' } = manifest;
  const text = textIn(folder);
  if (text === undefined) throw new Error(`${name} has no licence text`);
  return `${'-'.repeat(72)}\n${name} ${version} (${license})\n\n${text}\n`;
}

/** The file, or what its README says under the heading. */
function textIn(folder: string): string | undefined {
  const [file] = globSync('{LICEN[CS]E,licen[cs]e}*', { cwd: folder });
  if (file !== undefined) return readFileSync(join(folder, file), 'utf8').trim();
  const [readme] = globSync('README*', { cwd: folder });
  if (readme === undefined) return undefined;
  const [, section = ''] = readFileSync(join(folder, readme), 'utf8').split(/^#+ licen[cs]e\s*$/im);
  const text = (section.split(/^#/m)[0] ?? '').trim();
  return text === '' ? undefined : text;
}
