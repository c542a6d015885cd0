import type { JsonValue } from './event-store.ts';

/** What the events of a stream come to, up to a version of it. */
export interface Snapshot {
  readonly stream: string;
  /** Of the last event in it. */
  readonly version: number;
  /** Of the form of `state`: one that a program does not know is as good as none. */
  readonly schemaVersion: number;
  readonly state: { readonly [key: string]: JsonValue };
}

/** The port of snapshots: they spare readers the events before them, and may be lost without harm. */
export interface SnapshotStore {
  /** Those of the streams whose names begin with `prefix`. @throws Fault EVENT_STORE_UNAVAILABLE, EVENT_STORE_BUSY */
  snapshots(prefix: string): Promise<readonly Snapshot[]>;
  /**
   * Keeps them, all or none; one of a stream that has a later one is left out.
   * @throws as above; TypeError where one cannot be stored
   */
  saveSnapshots(snapshots: readonly Snapshot[]): Promise<void>;
}
