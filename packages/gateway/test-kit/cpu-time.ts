/** Milliseconds of processor time that `work` takes: unlike the clock it does not grow when the machine is busy. */
export function cpuMs(work: () => void): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1_000;
}
