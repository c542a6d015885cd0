/** A disk that is full soon, or cannot be written: a tmpfs. Needs root. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const run = (command: string, ...args: string[]): void => {
  execFileSync(command, args, { stdio: 'ignore' });
};

export class SmallDisk implements Disposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @throws Error where this process may not mount */
  static mount(size: string): SmallDisk {
    const folder = mkdtempSync(join(tmpdir(), 'hangar-disk-'));
    try {
      run('mount', '-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder);
    } catch (error) {
      rmdirSync(folder);
      throw error;
    }
    return new SmallDisk(folder);
  }

  makeReadOnly(): void {
    run('mount', '-o', 'remount,ro', this.folder);
  }

  makeWritable(): void {
    run('mount', '-o', 'remount,rw', this.folder);
  }

  [Symbol.dispose](): void {
    run('umount', '-l', this.folder);
    rmdirSync(this.folder);
  }
}

/** For `needs('mounts', …)`. */
export function canMount(): boolean {
  try {
    SmallDisk.mount('64k')[Symbol.dispose]();
    return true;
  } catch {
    return false;
  }
}
