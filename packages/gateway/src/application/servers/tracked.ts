import type { Child, Owner } from './child.ts';

/** Keeps work in the set for as long as it goes on. */
export function track<T>(running: Set<Promise<T>>, work: Promise<T>): Promise<T> {
  const over = (): void => void running.delete(work);
  running.add(work);
  work.then(over, over);
  return work;
}

/** A child that has begun to work for this owner. */
export function begun(child: Child, owner: Owner): Child {
  child.begin(owner);
  return child;
}
