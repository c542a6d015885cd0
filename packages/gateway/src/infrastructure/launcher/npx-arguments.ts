/** What `npx` was asked to run. */
export interface NpxRequest {
  /** As written: npm names the folder in its cache after it. */
  readonly spec: string;
  readonly packageName: string;
  /** An exact version; undefined = whichever is installed. */
  readonly version: string | undefined;
  /** The executable named beside `--package`; undefined = the package's own. */
  readonly bin: string | undefined;
  /** Whether `npx NAME` may also mean an executable NAME of another package. */
  readonly isBareName: boolean;
  readonly args: readonly string[];
}

/** `name`, `@scope/name`, either with an exact version. Ranges, tags, URLs and paths are npm's business. */
const SPEC =
  /^(?<name>(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*)(?:@(?<version>\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?))?$/;

/** Reads the arguments of `npx`; undefined for everything beyond `-y`, one `--package` and `--`. */
export const parseNpxArguments = (args: readonly string[]): NpxRequest | undefined => {
  let packageSpec: string | undefined;
  let index = 0;
  for (; index < args.length; index += 1) {
    const arg = args[index] ?? '';
    if (!arg.startsWith('-')) break;
    if (arg === '--') {
      index += 1;
      break;
    }
    if (arg === '-y' || arg === '--yes') continue;
    const value = packageOption(arg, args[index + 1]);
    if (value === undefined || packageSpec !== undefined) return undefined;
    packageSpec = value.spec;
    index += value.extraArguments;
  }
  const [first, ...rest] = args.slice(index);
  if (first === undefined) return undefined;
  return packageSpec === undefined
    ? request(first, { bin: undefined, args: rest })
    : request(packageSpec, { bin: first, args: rest });
};

const packageOption = (
  arg: string,
  next: string | undefined,
): { spec: string; extraArguments: number } | undefined => {
  if (arg === '-p' || arg === '--package') {
    return next === undefined ? undefined : { spec: next, extraArguments: 1 };
  }
  const joined = /^(?:-p|--package)=(.+)$/.exec(arg)?.[1];
  return joined === undefined ? undefined : { spec: joined, extraArguments: 0 };
};

const request = (
  spec: string,
  rest: { readonly bin: string | undefined; readonly args: readonly string[] },
): NpxRequest | undefined => {
  const groups = SPEC.exec(spec)?.groups;
  const packageName = groups?.['name'];
  if (packageName === undefined) return undefined;
  const version = groups?.['version'];
  const isBareName = rest.bin === undefined && spec === packageName && !spec.startsWith('@');
  return { spec, packageName, version, isBareName, ...rest };
};
