/** Globs over names, as the configuration writes them: `*`, `?`, `[abc]`, `[a-z]`, `[!abc]`. */

type Step =
  | { readonly kind: 'any' }
  | { readonly kind: 'one'; readonly matches: (char: string) => boolean };

/** Whether a name matches one of the globs. Cost: length of the name times length of the globs, whatever they are. */
export function matchesGlob(name: string, globs: readonly string[]): boolean {
  return globs.some((glob) => matchesSteps(Array.from(name), stepsOf(Array.from(glob))));
}

function stepsOf(glob: readonly string[]): readonly Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < glob.length; at += 1) {
    const char = glob[at] ?? '';
    const end = char === '[' ? classEnd(glob, at) : undefined;
    if (char === '*') steps.push({ kind: 'any' });
    else if (char === '?') steps.push({ kind: 'one', matches: () => true });
    else if (end === undefined)
      steps.push({ kind: 'one', matches: (candidate) => candidate === char });
    else {
      steps.push({ kind: 'one', matches: classMatcher(glob.slice(at + 1, end)) });
      at = end;
    }
  }
  return steps;
}

/** Where the class that opens at `start` ends; undefined where it never does, and `[` means itself. */
function classEnd(glob: readonly string[], start: number): number | undefined {
  const first = glob[start + 1] === '!' ? start + 2 : start + 1;
  const end = glob.indexOf(']', first + 1); // a bracket that stands first is a member
  return end === -1 ? undefined : end;
}

function classMatcher(members: readonly string[]): (char: string) => boolean {
  const isNegated = members[0] === '!';
  const listed = isNegated ? members.slice(1) : members;
  const ranges: (readonly [string, string])[] = [];
  for (let at = 0; at < listed.length; at += 1) {
    const low = listed[at] ?? '';
    const high = listed[at + 1] === '-' ? listed[at + 2] : undefined;
    ranges.push([low, high ?? low]);
    if (high !== undefined) at += 2;
  }
  return (char) => ranges.some(([low, high]) => char >= low && char <= high) !== isNegated;
}

/** Goes back to the last `*` only: enough for globs, and never exponential. */
function matchesSteps(name: readonly string[], steps: readonly Step[]): boolean {
  let [at, step] = [0, 0];
  let star: { readonly step: number; at: number } | undefined;
  while (at < name.length) {
    const current = steps[step];
    if (current?.kind === 'any') {
      star = { step, at };
      step += 1;
    } else if (current?.matches(name[at] ?? '') === true) {
      at += 1;
      step += 1;
    } else if (star === undefined) return false;
    else {
      star.at += 1;
      at = star.at;
      step = star.step + 1;
    }
  }
  return steps.slice(step).every(({ kind }) => kind === 'any');
}
