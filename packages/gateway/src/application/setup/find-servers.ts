/** What can be taken over from the files of clients, entry by entry. */
import { type Conversion, convertEntry } from '../../domain/setup/convert-entry.ts';
import { type ClientEntry, type ClientFile, entriesOf, inputsOf } from './read-clients.ts';

export interface FoundEntry {
  readonly at: ClientEntry;
  readonly conversion: Conversion;
}

export interface FindOptions {
  readonly home: string;
  readonly separator: string;
  /** Of this gateway. */
  readonly ownUrls: readonly string[];
  /** Whether a folder that a file names is there. */
  readonly hasFolder: (path: string) => boolean;
}

/** Every entry of the files, converted, refused or known to be this gateway. */
export function findServers(
  files: readonly ClientFile[],
  options: FindOptions,
): readonly FoundEntry[] {
  return files.flatMap((file) => {
    const inputs = inputsOf(file);
    return entriesOf(file).map((at) => ({
      at,
      conversion:
        at.project !== undefined && !options.hasFolder(at.project)
          ? ({ kind: 'refused', reason: `its folder ${at.project} is gone` } as const)
          : convertEntry(at.entry, {
              client: file.client,
              around: {
                home: options.home,
                project: at.project,
                separator: options.separator,
              },
              inputs,
              ownUrls: options.ownUrls,
            }),
    }));
  });
}
