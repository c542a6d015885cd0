// What package-lock.json must not contain: a dependency that wants an install script (npm 12 blocks them
// in silence), the host of one registry, or a path of one machine.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { ROOT } from './run-command.ts';

/** Packages that may name an install script, which never runs here (`npm ci --ignore-scripts`), and why. */
const INSTALL_SCRIPT_ALLOWED: Readonly<Record<string, string>> = {
  'node_modules/@modelcontextprotocol/inspector':
    'its script sets up its own checkout and does nothing in a package that depends on it',
};

const Lock = z.object({
  packages: z.record(
    z.string(),
    z.object({
      link: z.boolean().optional(),
      resolved: z.string().optional(),
      integrity: z.string().optional(),
      version: z.string().optional(),
      hasInstallScript: z.boolean().optional(),
    }),
  ),
});

/** What is wrong with the text of a lock file, a sentence each. */
export function problemsOfLock(text: string): string[] {
  const problems: string[] = [];
  const { packages } = Lock.parse(JSON.parse(text));
  for (const [path, entry] of Object.entries(packages)) {
    if (entry.hasInstallScript && !(path in INSTALL_SCRIPT_ALLOWED)) {
      problems.push(
        `${path} needs an install script: choose another package, or allow it with a reason`,
      );
    }
    const isLocal = entry.link === true || !path.includes('node_modules/');
    if (entry.resolved !== undefined && !(isLocal && /^packages\/[\w-]+$/.test(entry.resolved))) {
      problems.push(
        `${path} is resolved to ${entry.resolved}: run npm with omit-lockfile-registry-resolved=true`,
      );
    }
    if (!isLocal && entry.integrity === undefined) problems.push(`${path} has no integrity`);
  }
  for (const path of Object.keys(INSTALL_SCRIPT_ALLOWED)) {
    if (!packages[path]?.hasInstallScript)
      problems.push(`${path} is allowed an install script for nothing`);
  }
  const machinePath = /"(file:)?(\/(home|root|tmp|work|Users|var)\/|[A-Z]:\\)[^"]*"/.exec(text);
  if (machinePath) problems.push(`a path of one machine: ${machinePath[0]}`);
  return problems;
}

if (import.meta.main) {
  const problems = problemsOfLock(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  for (const problem of problems) console.error(problem);
  console.log(`package-lock.json, ${problems.length} problems`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
