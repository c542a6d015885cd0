/** The address at which HTTP is served. */

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/;

/** Whether only programs of this machine can connect. */
export const isLoopback = (host: string): boolean => LOOPBACK.test(host);

/** Where clients connect. */
export const endpointUrl = (host: string, port: number): string =>
  `http://${host.includes(':') ? `[${host}]` : host}:${port}/mcp`;
