/** Answers whether the promise is fulfilled within the limit; rejects where it does. Leaves no timer behind. */
export const settlesWithin = async (
  promise: Promise<unknown>,
  limitMs: number,
): Promise<boolean> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
};

const LOOK_MS = 10;

/** Resolves as soon as the condition holds, at the latest after `limitMs`; answers whether it does. */
export async function settlesBy(condition: () => boolean, limitMs: number): Promise<boolean> {
  const untilMs = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() >= untilMs) return false;
    await new Promise<void>((resolve) => {
      setTimeout(resolve, LOOK_MS).unref();
    });
  }
  return true;
}
