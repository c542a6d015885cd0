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
