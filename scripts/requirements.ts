/**
 * What some tests need from the machine, with the way to get it. `npm test` skips those tests where it is
 * missing and says so at its end; HANGAR_REQUIRE=name,name makes the absence a failure.
 */
export const REQUIREMENTS = {
  linux: 'run the tests on Linux: they read /proc',
  mounts: 'run the tests as root on Linux, with the right to mount a tmpfs',
  script: 'install script(1) of util-linux: a test runs the command in a terminal',
  bash: 'put bash on the PATH: it runs what completes command lines',
  zsh: 'put zsh on the PATH: it reads its completion script',
  fish: 'put fish on the PATH: it reads its completion script',
  openssl: 'put openssl on the PATH: it makes the certificates of the tests',
  'older-node': 'put a Node older than 24.11 on the PATH, after the one that runs the tests',
} as const satisfies Record<string, string>;

export type RequirementName = keyof typeof REQUIREMENTS;

export interface Requirement {
  /** For `describe.skipIf(…)`. */
  readonly isMissing: boolean;
  /** Belongs into the title of the suite: `npm test` looks for it. */
  readonly mark: string;
}

/**
 * Asks once whether the machine has what the tests of a file need.
 * @throws Error when it has not and HANGAR_REQUIRE names it: the file fails instead of being skipped.
 */
export function needs(name: RequirementName, probe: () => boolean): Requirement {
  const isMissing = !probe();
  const required = (process.env['HANGAR_REQUIRE'] ?? '').split(',').map((entry) => entry.trim());
  if (isMissing && required.includes(name)) {
    throw new Error(`HANGAR_REQUIRE names "${name}", which is missing: ${REQUIREMENTS[name]}`);
  }
  return { isMissing, mark: `[needs: ${name}]` };
}
